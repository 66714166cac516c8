"""The contract of an encoder, held against an encoder: for the authors of backbones, and for their tests."""

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves, tree_map

from isthmus.errors import EncoderContractError, IsthmusError
from isthmus.plan.probe import Images, evaluating, example_input, feature_specs, input_spec, on_meta, trial_size
from isthmus.specs.features import FeatureSpec
from isthmus.specs.inputs import InputSpec, Size


def check_encoder(encoder: nn.Module, image_sizes: Sequence[Size] | None = None) -> list[FeatureSpec]:
    """Check that a module is an encoder that every neck, decoder and task can stand on.

    An encoder lists its `out_channels`; it takes `(B, C, H, W)`, or `(B, C, T, H, W)` with `num_frames` steps, and
    gives a list with a tensor for each of them, of the shape that its `feature_specs` tell (or that can be told from
    `out_channels`), for any image size that it takes. It leaves its input as it is, keeps nothing from one call to the
    next, and a deep copy of it is an encoder of its own. An encoder on the `meta` device is checked for shapes only.

    Args:
        encoder: the module.
        image_sizes: the (height, width) to try; its own, and one that is not square, where nothing is given.

    Returns:
        What it gives.

    Raises:
        EncoderContractError: the list of everything that is broken.
    """
    specs, takes = feature_specs(encoder), input_spec(encoder)
    sizes = list(image_sizes) if image_sizes is not None else [trial_size(takes), _oblong(takes, specs)]
    on_paper = any(parameter.is_meta for parameter in encoder.parameters())
    faults = list(_faults_of_lists(encoder, specs))
    with evaluating(encoder):
        for size in sizes:
            run: Callable[..., Any] = on_meta(encoder) if on_paper else encoder
            image = example_input(takes, size, device="meta" if on_paper else "cpu")
            if not on_paper:
                chance = torch.Generator().manual_seed(0)
                image = tree_map(lambda empty, chance=chance: torch.rand(empty.shape, generator=chance), image)
            try:
                features = run(image)
            except (IsthmusError, RuntimeError, ValueError, TypeError) as error:
                faults.append(f"it cannot take images of {size}: {error}")
                continue
            faults += _faults_of_shapes(features, specs, size)
            if not on_paper:
                faults += _faults_of_values(encoder, image)
    if faults:
        listed = "\n".join(f"- {fault}" for fault in dict.fromkeys(faults))
        raise EncoderContractError(f"{type(encoder).__name__} is not a sound encoder:\n{listed}")
    return specs


def _oblong(takes: InputSpec, specs: Sequence[FeatureSpec]) -> Size:
    """A size that is not square: twice and three times the smallest that has whole cells, at least 32 pixels."""
    _, height, width = takes.multiple or (1, 1, 1)
    for spec in specs:
        if spec.stride is not None:
            height = math.lcm(height, math.ceil(spec.stride[0]))
            width = math.lcm(width, math.ceil(spec.stride[1]))
    return 2 * height * math.ceil(32 / height), 3 * width * math.ceil(32 / width)


def _faults_of_lists(encoder: nn.Module, specs: Sequence[FeatureSpec]) -> Iterator[str]:
    channels: Any = getattr(encoder, "out_channels", None)
    if not isinstance(channels, list) or not all(isinstance(count, int) for count in channels):
        yield f"out_channels is {channels!r}, not a list of integers"
    elif channels != (told := [spec.out_channels for spec in specs]):
        yield f"out_channels is {channels}, but feature_specs say {told}"


def _faults_of_shapes(features: object, specs: Sequence[FeatureSpec], size: Size) -> Iterator[str]:
    if not isinstance(features, list) or not all(isinstance(feature, Tensor) for feature in features):
        yield f"forward gives a {type(features).__name__}, not a list of tensors"
        return
    if len(features) != len(specs):
        yield f"forward gives {len(features)} features, but {len(specs)} are listed"
        return
    for index, (feature, spec) in enumerate(zip(features, specs, strict=True)):
        shape, told = str(tuple(feature.shape)), spec.shape(size)
        if "?" not in told and shape != told:
            yield f"feature {index} of an image of {size} has the shape {shape}, but its spec says {told}"


def _faults_of_values(encoder: nn.Module, image: Images) -> Iterator[str]:
    before = tree_map(torch.clone, image)
    first = _tensors(encoder(image))
    if not all(map(torch.equal, tree_leaves(image), tree_leaves(before))):
        yield "forward changes its input"
    if not _equal(first, _tensors(encoder(before))):
        yield "two calls on the same image give different features"
    twin = copy.deepcopy(encoder)
    if not _equal(first, _tensors(twin(before))):
        yield "a deep copy gives other features"
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.zero_()
    if any(True for _ in twin.parameters()) and _equal(first, _tensors(twin(before))):
        yield "a deep copy computes with the weights of the original"


def _tensors(features: Any) -> list[Tensor]:
    return [feature.clone() for feature in features]


def _equal(first: Sequence[Tensor], second: Sequence[Tensor]) -> bool:
    return len(first) == len(second) and all(map(torch.equal, first, second))
