"""What parts of a model check about the list of features that they are given."""

import itertools
from collections.abc import Iterable, Sequence

from torch import Tensor

from isthmus.errors import CompositionError, ShapeError
from isthmus.specs.features import FeatureSpec, Layout

_MEND = {
    Layout.TOKENS: "put ReshapeTokensToImage before it",
    Layout.GRID_LAST: "put PermuteDims with new_order [0, 3, 1, 2] before it",
    Layout.VECTOR: "a vector has no grid left to work on",
}


def check_indices(owner: str, indices: Iterable[int], count: int) -> None:
    """Hold indices (negative ones count from the end) against the number of features that there are.

    Raises:
        CompositionError: an index is out of range.
    """
    for index in indices:
        if not -count <= index < count:
            raise CompositionError(
                f"{owner} asks for the feature {index}, but there are {count} (valid: {-count} to {count - 1})"
            )


def pick(owner: str, features: Sequence[Tensor], index: int) -> Tensor:
    """The feature at `index`.

    Raises:
        ShapeError: there are too few features.
    """
    if not -len(features) <= index < len(features):
        raise ShapeError(f"{owner} asks for the feature {index}, but was handed {len(features)} feature(s)")
    return features[index]


def check_count(owner: str, features: Sequence[Tensor], count: int) -> None:
    """Refuse another number of features than a part was built for.

    Raises:
        ShapeError: there are more or fewer.
    """
    if len(features) != count:
        raise ShapeError(f"{owner} was built for {count} features, but was handed {len(features)}")


def check_tensors(owner: str, features: Iterable[object]) -> None:
    """Refuse features that are dicts or anything else than tensors.

    Raises:
        CompositionError: a feature is no tensor.
    """
    for place, feature in enumerate(features):
        if not isinstance(feature, Tensor):
            raise CompositionError(
                f"{owner} gives a {type(feature).__name__} as feature {place}; necks and decoders take tensors. Where "
                "it merges several modalities, choose a way that gives one tensor, such as merge_method: mean"
            )


def check_grids(owner: str, features: Iterable[Tensor]) -> None:
    """Refuse features that are not grids of shape (batch, channels, height, width).

    Raises:
        ShapeError: a feature has another number of axes.
    """
    for place, feature in enumerate(features):
        if feature.ndim != 4:
            raise ShapeError(
                f"{owner} works on grids (batch, channels, height, width), but feature {place} has the shape "
                f"{tuple(feature.shape)}; tokens become grids with the neck ReshapeTokensToImage"
            )


def check_halving(owner: str, features: Sequence[Tensor]) -> None:
    """Refuse grids that are not each half the size of the one before, rounded up or down.

    Raises:
        ShapeError: two neighbours have other sizes.
    """
    for place, (fine, coarse) in enumerate(itertools.pairwise(features)):
        if any(abs(fine.shape[axis] - 2 * coarse.shape[axis]) > 1 for axis in (-2, -1)):
            raise ShapeError(
                f"{owner} takes features each half the size of the one before, but feature {place} has "
                f"{tuple(fine.shape[-2:])} cells (height, width) and feature {place + 1} {tuple(coarse.shape[-2:])}; "
                "a neck such as LearnedInterpolateToPyramidal makes a pyramid"
            )


def require_grids(owner: str, specs: Iterable[FeatureSpec]) -> None:
    """Refuse feature specs that are not grids.

    Raises:
        CompositionError: a feature has another layout; the message says how to mend it.
    """
    for place, spec in enumerate(specs):
        if spec.layout is not Layout.GRID:
            raise CompositionError(f"{owner} works on grids, but feature {place} is a {spec}; {_MEND[spec.layout]}")
