"""What flows between parts, and what a part asks of it."""

import pytest

from isthmus.specs.features import FeatureSpec, Layout, Pyramid, Requirement, is_pyramid


@pytest.mark.parametrize(
    ("spec", "shape"),
    [
        (FeatureSpec(64, Layout.GRID, (4, 4)), "(1, 64, 25, 30)"),
        (FeatureSpec(64, Layout.GRID_LAST, (4, 4)), "(1, 25, 30, 64)"),
        (FeatureSpec(64, Layout.TOKENS, (20, 20), prefix_tokens=1, time_steps=3), "(1, 91, 64)"),
        (FeatureSpec(64, Layout.VECTOR), "(1, 64)"),
        (FeatureSpec(64, Layout.GRID), "(1, 64, ?, ?)"),
        (FeatureSpec(64, Layout.GRID, (8, 8)), "(1, 64, 13, 15)"),
    ],
)
def test_a_spec_knows_the_shape_of_its_tensor(spec, shape):
    assert spec.shape((100, 120)) == shape


def test_time_is_folded_into_the_channels_that_a_channel_list_shows():
    assert FeatureSpec(16, Layout.TOKENS, (16, 16), 1, 3).out_channels == 48


def test_what_is_not_met_is_said_item_by_item():
    requirement = Requirement(frozenset({Layout.GRID}), levels=4, pyramid=Pyramid.REQUIRED)
    tokens = [FeatureSpec(16, Layout.TOKENS, (16, 16), 1)] * 12
    assert requirement.unmet(tokens) == [
        "it takes grid features, but is given tokens",
        "it takes 4 features, but is given 12",
    ]
    flat = [FeatureSpec(16, Layout.GRID, (16, 16))] * 4
    (fault,) = requirement.unmet(flat)
    assert "strides 16, 16, 16, 16" in fault


def test_an_unknown_stride_is_given_the_benefit_of_the_doubt():
    assert is_pyramid([FeatureSpec(8), FeatureSpec(16)])
    assert not is_pyramid([FeatureSpec(8, stride=(4, 4)), FeatureSpec(16, stride=(8, 4))])
