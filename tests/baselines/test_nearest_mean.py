"""The nearest-mean classifier."""

import numpy as np
import pytest

from isthmus.baselines import NearestMean
from isthmus.errors import DataError, ShapeError


def two_classes() -> tuple[np.ndarray, np.ndarray]:
    image = np.array([[[0.0, 2.0, 10.0, 12.0]], [[100.0, 100.0, 300.0, 300.0]]])
    return image, np.array([[0, 0, 1, 1]])


def test_the_means_are_the_means_of_the_classes():
    image, labels = two_classes()
    model = NearestMean.fit([(image, labels)], 3)
    np.testing.assert_allclose(model.means[:2], [[1, 100], [11, 300]])
    assert np.isnan(model.means[2]).all()
    np.testing.assert_allclose(model.scale, [1, 1])  # 1 where a band does not vary within the classes


def test_pieces_give_the_same_as_the_whole():
    rng = np.random.default_rng(0)
    image, labels = rng.normal(5, 2, (3, 20, 30)), rng.integers(0, 4, (20, 30))
    whole = NearestMean.fit([(image, labels)], 4)
    pieces = NearestMean.fit([(image[:, :7], labels[:7]), (image[:, 7:], labels[7:])], 4)
    np.testing.assert_allclose(whole.means, pieces.means)
    np.testing.assert_allclose(whole.scale, pieces.scale)


def test_prediction_is_the_nearest_in_standard_deviations():
    model = NearestMean(np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]]), np.array([1.0, 100.0]))
    # far from class 2 in plain distance, but its second band varies so much that it does not tell
    image = np.array([[[1.0, 9.0, 0.0]], [[6.0, 9.0, 9.0]]])
    np.testing.assert_array_equal(model.predict(image), [[2, 1, 2]])
    assert model.predict(image).dtype == np.uint8


def test_a_class_without_pixels_is_never_predicted():
    image, labels = two_classes()
    model = NearestMean.fit([(image, labels)], 5)
    assert set(np.unique(model.predict(image))) == {0, 1}


def test_ignored_labels_and_missing_pixels_do_not_count():
    image, _ = two_classes()
    image = np.concatenate([image, np.full((2, 1, 2), 1e6)], axis=2)
    image[1, 0, 5] = np.nan
    model = NearestMean.fit([(image, np.array([[0, 0, 1, 1, 255, 0]]))], 2)
    np.testing.assert_allclose(model.means, [[1, 100], [11, 300]])


def test_nothing_to_learn_from_is_an_error():
    image, labels = two_classes()
    with pytest.raises(DataError, match="no pixel has a class"):
        NearestMean.fit([(image, np.full_like(labels, 255))], 2)
    with pytest.raises(DataError, match="no pixel has a class"):
        NearestMean.fit([], 2)


def test_sizes_that_differ_are_an_error():
    image, labels = two_classes()
    with pytest.raises(ShapeError, match="labels of"):
        NearestMean.fit([(image, labels[:, :3])], 2)
    with pytest.raises(ShapeError, match="2 bands"):
        NearestMean.fit([(image, labels)], 2).predict(image[:1])
