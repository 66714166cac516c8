"""Necks that derive themselves."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from isthmus.errors import CompositionError
from isthmus.models.necks import Neck, NeckSequential, build_neck_list
from isthmus.plan.automatic_necks import after_neck, derive_necks
from isthmus.registry import ISTHMUS_NECK_REGISTRY
from isthmus.registry.kinds import NeckKind
from isthmus.specs.features import FeatureSpec, Layout, Pyramid, Requirement, is_pyramid

GRID = frozenset({Layout.GRID})
PYRAMID_OF_FOUR = Requirement(GRID, levels=4, pyramid=Pyramid.REQUIRED)


def tokens(depth, time=1, prefix=1):
    return [FeatureSpec(16, Layout.TOKENS, (16, 16), prefix, time)] * depth


def pyramid(levels, layout=Layout.GRID):
    return [FeatureSpec(8 * 2**i, layout, (2 ** (i + 1), 2 ** (i + 1))) for i in range(levels)]


def names(chain):
    return [neck["name"] for neck in chain]


def test_nothing_is_derived_where_nothing_is_needed():
    assert derive_necks(pyramid(4), PYRAMID_OF_FOUR) == []


def test_a_transformer_becomes_a_pyramid_by_the_shortest_chain():
    chain = derive_necks(tokens(24), PYRAMID_OF_FOUR)
    assert names(chain) == ["SelectIndices", "ReshapeTokensToImage", "LearnedInterpolateToPyramidal"]
    assert chain[0]["indices"] == [5, 11, 17, 23]


def test_time_steps_are_folded_into_channels():
    (reshape,) = derive_necks(tokens(1, time=3), Requirement(GRID))
    assert reshape == {"name": "ReshapeTokensToImage", "effective_time_dim": 3}


def test_tokens_without_a_class_token_keep_them_all():
    (reshape,) = derive_necks(tokens(1, prefix=0), Requirement(GRID))
    assert reshape == {"name": "ReshapeTokensToImage", "remove_cls_token": False}


def test_a_swin_pyramid_is_only_permuted():
    assert names(derive_necks(pyramid(4, Layout.GRID_LAST), PYRAMID_OF_FOUR)) == ["PermuteDims"]


def test_the_coarsest_levels_of_a_longer_pyramid_are_taken():
    assert derive_necks(pyramid(5), PYRAMID_OF_FOUR) == [{"name": "SelectIndices", "indices": [1, 2, 3, 4]}]


def test_what_cannot_be_derived_is_an_error_that_shows_both_sides():
    with pytest.raises(CompositionError, match="no chain of necks") as caught:
        derive_necks(pyramid(2), PYRAMID_OF_FOUR)
    assert "4 features of shape (B, C, H, W)" in str(caught.value)
    assert "backbone_out_indices" in str(caught.value)


@given(
    depth=st.integers(1, 26),
    time=st.integers(1, 3),
    prefix=st.integers(0, 5),
    levels=st.sampled_from([None, 1, 2, 3, 4]),
    kind=st.sampled_from(list(Pyramid)),
    height=st.integers(1, 3),
    width=st.integers(1, 3),
)
def test_a_derived_chain_does_what_it_promises(depth, time, prefix, levels, kind, height, width):
    if levels is not None and levels > depth:
        return
    if levels is None and kind is not Pyramid.NONE and depth == 1:
        return
    requirement = Requirement(GRID, levels, kind)
    specs = tokens(depth, time, prefix)
    chain = derive_necks(specs, requirement)
    for neck in chain:
        specs = after_neck(specs, neck)
    assert not requirement.unmet(specs)
    assert kind is Pyramid.NONE or is_pyramid(specs)
    size = (height * 128, width * 128)  # so that the coarsest level of any chain is whole
    count = prefix + time * (size[0] // 16) * (size[1] // 16)
    features = [torch.rand(1, count, 16) for _ in range(depth)]
    necks, channels = build_neck_list(chain, [16 * time] * depth)
    result = NeckSequential(*necks)(features, image_size=size)
    assert [feature.shape[1] for feature in result] == channels == [spec.channels for spec in specs]
    for feature, spec in zip(result, specs, strict=True):
        assert str(tuple(feature.shape)) == spec.shape(size)


class Unfold(Neck):
    """A vector as a grid of a single cell."""

    proposes = True

    @classmethod
    def proposals(cls, specs, requirement):
        if {spec.layout for spec in specs} == {Layout.VECTOR}:
            yield {}

    def process_channel_list(self, channel_list):
        return list(channel_list)

    def process_specs(self, specs):
        return [FeatureSpec(spec.channels, Layout.GRID) for spec in specs]

    def forward(self, features, image_size=None):
        return [feature[:, :, None, None] for feature in features]


def test_a_neck_of_others_is_found_like_our_own(monkeypatch):
    vector = [FeatureSpec(8, Layout.VECTOR)]
    with pytest.raises(CompositionError, match="no chain of necks"):
        derive_necks(vector, Requirement(GRID))
    monkeypatch.setitem(ISTHMUS_NECK_REGISTRY._entries, "Unfold", NeckKind("Unfold", Unfold, proposes=True))
    assert derive_necks(vector, Requirement(GRID)) == [{"name": "Unfold"}]


def test_the_catalog_says_which_necks_propose_themselves():
    for entry in map(ISTHMUS_NECK_REGISTRY.entry, ISTHMUS_NECK_REGISTRY):
        if str(entry.target).startswith("isthmus."):
            neck = entry.load()
            assert entry.proposes == neck.proposes == ("proposals" in vars(neck)), entry.name
