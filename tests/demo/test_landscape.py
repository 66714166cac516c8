"""The landscape that the program draws."""

import numpy as np
import pytest

from isthmus.demo.landscape import BANDS, CLASS_NAMES, IGNORE, NODATA, draw_landscape
from isthmus.demo.noise import fractal, scatter, smooth
from isthmus.demo.terrain import draw_terrain


@pytest.fixture(scope="module")
def landscape():
    return draw_landscape(256, 384, seed=3)


def mean_spectrum(landscape, name):
    return landscape.image[:, landscape.labels == CLASS_NAMES.index(name)].mean(axis=1)


def test_shapes_and_types(landscape):
    assert landscape.image.shape == (len(BANDS), 256, 384)
    assert landscape.image.dtype == np.int16
    assert landscape.labels.shape == (256, 384)
    assert landscape.labels.dtype == np.uint8
    assert len(landscape.class_colors) == len(CLASS_NAMES) == len(set(landscape.class_colors))


def test_every_class_is_there_and_nothing_else(landscape):
    assert set(np.unique(landscape.labels)) == {*range(len(CLASS_NAMES)), IGNORE}


def test_the_same_seed_gives_the_same_landscape_and_another_another(landscape):
    again, other = draw_landscape(256, 384, seed=3), draw_landscape(256, 384, seed=4)
    np.testing.assert_array_equal(again.image, landscape.image)
    np.testing.assert_array_equal(again.labels, landscape.labels)
    assert (other.labels != landscape.labels).mean() > 0.3


def test_pixels_without_data_have_no_class(landscape):
    missing = landscape.image == NODATA
    assert missing.any()
    assert (missing.all(axis=0) == missing.any(axis=0)).all()
    assert (landscape.labels[missing[0]] == IGNORE).all()
    assert landscape.image[~missing].min() >= 1


def test_spectra_are_those_of_the_covers(landscape):
    red, nir, swir = (BANDS.index(name) for name in ("RED", "NIR_NARROW", "SWIR_1"))
    forest, water, cloud = (mean_spectrum(landscape, name) for name in ("forest", "water", "cloud"))
    assert forest[nir] > 4 * forest[red]  # vegetation reflects near infrared
    assert water[swir] < 0.4 * water[0]  # water absorbs it
    assert cloud.min() > 2000  # clouds are bright everywhere


def test_smoothing_keeps_a_constant_and_the_mean():
    np.testing.assert_allclose(smooth(np.full((9, 14), 5.0), 2.0), 5, rtol=1e-5)
    rng = np.random.default_rng(0)
    field = rng.normal(size=(40, 50))
    assert smooth(field, 3.0).std() < 0.2 * field.std()
    assert abs(smooth(field, 1.0).mean() - field.mean()) < 1e-2


def test_fractal_noise_is_standardised_and_smoother_with_roughness():
    fields = [fractal(np.random.default_rng(1), (64, 96), 50, exponent) for exponent in (0.0, 2.0, 3.5)]
    for field in fields:
        assert abs(field.mean()) < 1e-5
        assert abs(field.std() - 1) < 1e-4
    jumps = [np.abs(np.diff(field, axis=0)).mean() for field in fields]
    assert jumps[0] > jumps[1] > jumps[2]


def test_scatter_is_uniform_and_a_function_of_the_key():
    values = scatter(np.arange(20_000), 1)
    assert values.min() >= 0
    assert values.max() < 1
    np.testing.assert_allclose(np.histogram(values, 10, (0, 1))[0] / 20_000, 0.1, atol=0.01)
    np.testing.assert_array_equal(scatter(np.array([[7, 7]]), 1)[0, 0], scatter(np.array([7]), 1)[0])
    assert not np.array_equal(values, scatter(np.arange(20_000), 2))


def test_rivers_run_to_the_edge_and_the_land_near_water_is_wet():
    terrain = draw_terrain(np.random.default_rng(3), (256, 384), 10.0)
    edge = np.concatenate([terrain.river[0], terrain.river[-1], terrain.river[:, 0], terrain.river[:, -1]])
    assert edge.any()
    assert terrain.wetness[terrain.river].mean() > 0.5 > terrain.wetness.mean()
    assert 0.002 < terrain.river.mean() < 0.2
