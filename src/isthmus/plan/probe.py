"""Running a module without arithmetic: on PyTorch's `meta` device, where tensors have shapes and no values."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from isthmus.errors import EncoderContractError
from isthmus.plan.light_meta import light_meta
from isthmus.specs.features import FeatureSpec, Layout
from isthmus.specs.inputs import IMAGE, InputSpec, Modality, Size

Images = Tensor | dict[str, Tensor]
"""A batch of images, `(B, C, H, W)` or `(B, C, T, H, W)`, or of several modalities by name."""

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


def input_spec(encoder: nn.Module) -> InputSpec:
    """What an encoder takes: what it publishes or, where it publishes nothing, what can be seen of it.

    Those are `in_channels`, or the channels of the first convolution, or the bands of several modalities;
    `num_frames` and `needs_time_axis`; `image_size`; and `size_multiple`, or the patch size of the first part that has
    one.

    Raises:
        EncoderContractError: the number of bands cannot be found.
    """
    published = getattr(encoder, "input_spec", None)
    if isinstance(published, InputSpec):
        return published
    frames, size = frames_of(encoder), getattr(encoder, "image_size", None)
    return InputSpec(
        modalities=_modalities(encoder),
        frames=frames,
        time_axis=frames > 1 or bool(getattr(encoder, "needs_time_axis", False)),
        image_size=as_size(size) if size else None,
        multiple=_multiple(encoder),
    )


def frames_of(encoder: nn.Module) -> int:
    """How many time steps an encoder takes; 1 where it takes single images."""
    published = getattr(encoder, "input_spec", None)
    return published.frames if isinstance(published, InputSpec) else int(getattr(encoder, "num_frames", 1))


def as_size(size: Sequence[int] | int) -> Size:
    """Height and width, from both or from one number for both."""
    return (size, size) if isinstance(size, int) else (int(size[0]), int(size[1]))


def trial_size(spec: InputSpec) -> Size:
    """The (height, width) on which an encoder is tried out: its own, or 224 or the next that it takes."""
    return spec.image_size or spec.padded(DEFAULT_IMAGE_SIZE)


def example_input(spec: InputSpec, image_size: Size, batch_size: int = 1, device: str = "meta") -> Images:
    """A batch of empty images as a model takes them: a tensor, or one for each of several modalities."""
    shapes = spec.shapes(image_size, batch_size)
    images = {name: torch.zeros(shape, device=device) for name, shape in shapes.items()}
    return images if spec.is_multimodal else images[IMAGE]


def _modalities(encoder: nn.Module) -> dict[str, Modality]:
    several: Any = getattr(encoder, "modality_bands", None)
    if several:
        return {name: Modality(len(bands), tuple(bands)) for name, bands in several.items()}
    channels: Any = getattr(encoder, "in_channels", None)
    bands: Any = getattr(encoder, "bands", None)
    if not isinstance(channels, int):
        convolutions = (part for part in encoder.modules() if isinstance(part, nn.Conv2d | nn.Conv3d))
        channels = next((part.in_channels for part in convolutions), None)
    if channels is None:
        raise EncoderContractError(
            f"{type(encoder).__name__} does not say how many bands it takes; give it an attribute `in_channels: int`"
        )
    named = isinstance(bands, list | tuple) and len(bands) == channels
    return {IMAGE: Modality(channels, tuple(bands) if named and bands else None)}


def _multiple(encoder: nn.Module) -> tuple[int, int, int] | None:
    """What images must be multiples of: what the encoder says, or the patch size of its first part that has one."""
    published: Any = getattr(encoder, "size_multiple", None)
    if not isinstance(published, int):
        sizes = (getattr(part, "patch_size", None) for part in encoder.modules())
        published = next((size for size in sizes if isinstance(size, int | list | tuple)), None)
    if published is None:
        return None
    sides = [published, published] if isinstance(published, int) else [int(size) for size in published]
    frames, height, width = [1] * (3 - len(sides)) + sides
    return frames, height, width


def feature_specs(encoder: nn.Module) -> list[FeatureSpec]:
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
    takes = input_spec(encoder)
    size = trial_size(takes)
    with evaluating(encoder):
        try:
            features = on_meta(encoder)(example_input(takes, size))
        except (RuntimeError, NotImplementedError) as error:
            if not cannot_live_on_meta(error):
                raise
            features = encoder(example_input(takes, size, device="cpu"))
    if not isinstance(features, list | tuple) or len(features) != len(channels):
        got = f"{len(features)} features" if isinstance(features, list | tuple) else f"a {type(features).__name__}"
        raise EncoderContractError(
            f"{type(encoder).__name__} lists {len(channels)} out_channels, but returned {got}, not a list of as many"
        )
    name = type(encoder).__name__
    return [_spec_of(tensor, count, size, takes, name) for tensor, count in zip(features, channels, strict=True)]


def _spec_of(feature: Tensor, channels: int, size: Size, takes: InputSpec, name: str) -> FeatureSpec:
    shape = tuple(feature.shape)
    if len(shape) == 2:
        return FeatureSpec(shape[1], Layout.VECTOR)
    if len(shape) == 4 and shape[1] == channels:
        return FeatureSpec(channels, Layout.GRID, _stride(size, shape[2:]))
    if len(shape) == 4 and shape[3] == channels:
        return FeatureSpec(channels, Layout.GRID_LAST, _stride(size, shape[1:3]))
    if len(shape) == 3 and channels % shape[2] == 0:
        return _token_spec(shape, channels // shape[2], size, takes.multiple)
    raise EncoderContractError(
        f"{name} lists {channels} channels for a feature of shape {shape}; that is no layout "
        "Isthmus knows: (B, C, H, W), (B, H, W, C), (B, N, C) or (B, C)"
    )


def _token_spec(shape: tuple[int, ...], time: int, size: Size, patch: tuple[int, int, int] | None) -> FeatureSpec:
    if patch is None:
        return FeatureSpec(shape[2], Layout.TOKENS, None, 0, time)
    grid = (size[0] // patch[1]) * (size[1] // patch[2]) * time
    return FeatureSpec(shape[2], Layout.TOKENS, (patch[1], patch[2]), shape[1] - grid, time)


def _stride(size: Size, grid: tuple[int, ...]) -> tuple[float, float]:
    return size[0] / grid[0], size[1] / grid[1]
