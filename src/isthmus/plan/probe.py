"""Running a module without arithmetic: on PyTorch's `meta` device, where tensors have shapes and no values."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from isthmus.errors import EncoderContractError
from isthmus.plan.light_meta import light_meta
from isthmus.specs.features import FeatureSpec, Layout

DEFAULT_IMAGE_SIZE = (224, 224)


def on_meta(module: nn.Module) -> Callable:
    """A module as a function whose parameters and buffers live on the `meta` device.

    The module itself stays as it is, wherever it lives; nothing is copied and nothing computed.
    """
    state = dict(_tensors(module))
    shapes = {name: torch.empty_like(tensor, device="meta") for name, tensor in state.items() if not tensor.is_meta}

    def run(*args: Any) -> Any:
        return torch.func.functional_call(module, shapes, args, tie_weights=False) if shapes else module(*args)

    def run_lightly(*args: Any) -> Any:
        try:
            with light_meta():
                return run(*args)
        except ImportError:  # a stand-in lacks something
            return run(*args)

    return run_lightly


def _tensors(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Every parameter and buffer by one name for each place: one in a part with two names would be put back wrongly."""
    for path, part in module.named_modules():
        own = (part.named_parameters, part.named_buffers)
        for name, tensor in (pair for named in own for pair in named(recurse=False, remove_duplicate=False)):
            yield f"{path}.{name}" if path else name, tensor


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Put a module in evaluation mode without gradients, and every part of it back as it was afterwards."""
    modes = {part: part.training for part in module.modules()}
    module.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for part, training in modes.items():
            part.training = training


def cannot_live_on_meta(error: Exception) -> bool:
    """Whether an error says that a module needs real tensors, rather than that its input does not fit."""
    return isinstance(error, NotImplementedError) or "meta" in str(error)


def example_input(encoder: nn.Module, image_size: tuple[int, int], batch_size: int = 1, device: str = "meta") -> Tensor:
    """A batch of empty images as the encoder expects them.

    Channels come from `in_channels` or from the first convolution, frames from `num_frames`. There is a time axis where
    there are several, or where the encoder says `needs_time_axis`.

    Raises:
        EncoderContractError: the number of channels cannot be found.
    """
    frames = int(getattr(encoder, "num_frames", 1))
    time = (frames,) if frames > 1 or getattr(encoder, "needs_time_axis", False) else ()
    return torch.zeros((batch_size, input_channels(encoder), *time, *image_size), device=device)


def input_channels(encoder: nn.Module) -> int:
    """The number of bands that an encoder takes.

    Raises:
        EncoderContractError: the encoder neither says it nor has a convolution that does.
    """
    published = getattr(encoder, "in_channels", None)
    if isinstance(published, int):
        return published
    for part in encoder.modules():
        if isinstance(part, nn.Conv2d | nn.Conv3d):
            return part.in_channels
    raise EncoderContractError(
        f"{type(encoder).__name__} does not say how many bands it takes; give it an attribute `in_channels: int`"
    )


def patch_size_of(encoder: nn.Module) -> int | list[int] | None:
    """The patch size of the first part of an encoder that has one; None for a convolutional encoder."""
    for part in encoder.modules():
        patch = getattr(part, "patch_size", None)
        if isinstance(patch, int):
            return patch
        if isinstance(patch, list | tuple):
            return [int(size) for size in patch]
    return None


def size_multiple_of(encoder: nn.Module) -> int | list[int] | None:
    """What images must be multiples of: the patch size, or what the encoder says in `size_multiple`."""
    published = getattr(encoder, "size_multiple", None)
    return published if isinstance(published, int) else patch_size_of(encoder)


def check_image_size(encoder: nn.Module) -> tuple[int, int]:
    """The (height, width) on which an encoder is tried out: its own, or 224 or the next that it says it takes."""
    own: Any = getattr(encoder, "image_size", None)
    if own:
        return int(own[0]), int(own[1])
    published = getattr(encoder, "size_multiple", 1)
    multiple = published if isinstance(published, int) else 1
    height, width = (-(-size // multiple) * multiple for size in DEFAULT_IMAGE_SIZE)
    return height, width


def feature_specs(encoder: nn.Module, image_size: tuple[int, int] | None = None) -> list[FeatureSpec]:
    """What an encoder gives: what it publishes or, where it publishes nothing, what a run on `meta` shows.

    Raises:
        EncoderContractError: the encoder has no `out_channels`, or its features contradict them.
    """
    published = getattr(encoder, "feature_specs", None)
    if published is not None:
        return list(published)
    channels: Any = getattr(encoder, "out_channels", None)
    if not isinstance(channels, list | tuple):
        raise EncoderContractError(
            f"backbone must have out_channels attribute: that of {type(encoder).__name__} is {channels!r}, but should "
            "be the list of the channels of the features that the encoder returns"
        )
    size = image_size or check_image_size(encoder)
    with evaluating(encoder):
        try:
            features = on_meta(encoder)(example_input(encoder, size))
        except (RuntimeError, NotImplementedError) as error:
            if not cannot_live_on_meta(error):
                raise
            features = encoder(example_input(encoder, size, device="cpu"))
    if not isinstance(features, list | tuple) or len(features) != len(channels):
        got = f"{len(features)} features" if isinstance(features, list | tuple) else f"a {type(features).__name__}"
        raise EncoderContractError(
            f"{type(encoder).__name__} lists {len(channels)} out_channels, but returned {got}, not a list of as many"
        )
    return [_spec_of(tensor, count, size, encoder) for tensor, count in zip(features, channels, strict=True)]


def _spec_of(feature: Tensor, channels: int, size: tuple[int, int], encoder: nn.Module) -> FeatureSpec:
    shape = tuple(feature.shape)
    if len(shape) == 2:
        return FeatureSpec(shape[1], Layout.VECTOR)
    if len(shape) == 4 and shape[1] == channels:
        return FeatureSpec(channels, Layout.GRID, _stride(size, shape[2:]))
    if len(shape) == 4 and shape[3] == channels:
        return FeatureSpec(channels, Layout.GRID_LAST, _stride(size, shape[1:3]))
    if len(shape) == 3 and channels % shape[2] == 0:
        return _token_spec(shape, channels // shape[2], size, encoder)
    raise EncoderContractError(
        f"{type(encoder).__name__} lists {channels} channels for a feature of shape {shape}; that is no layout "
        "Isthmus knows: (B, C, H, W), (B, H, W, C), (B, N, C) or (B, C)"
    )


def _token_spec(shape: tuple[int, ...], time: int, size: tuple[int, int], encoder: nn.Module) -> FeatureSpec:
    patch = patch_size_of(encoder)
    if patch is None:
        return FeatureSpec(shape[2], Layout.TOKENS, None, 0, time)
    pair = (patch, patch) if isinstance(patch, int) else (patch[-2], patch[-1])
    grid = (size[0] // pair[0]) * (size[1] // pair[1]) * time
    return FeatureSpec(shape[2], Layout.TOKENS, pair, shape[1] - grid, time)


def _stride(size: tuple[int, int], grid: tuple[int, ...]) -> tuple[float, float]:
    return size[0] / grid[0], size[1] / grid[1]
