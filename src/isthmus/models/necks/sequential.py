"""Several necks, one after the other."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from isthmus.errors import ArgumentError
from isthmus.registry import NECK_REGISTRY
from isthmus.signatures import check_arguments, live_signature


class NeckSequential(nn.Sequential):
    """Necks in a row. Those whose `forward` takes an `image_size` are told it.

    Args:
        necks: the necks, in order.
    """

    def __init__(self, *necks: nn.Module) -> None:
        super().__init__(*necks)
        self._told_size = [_takes_image_size(neck) for neck in necks]

    def forward(self, features: list[Tensor], image_size: tuple[int, int] | None = None) -> Any:
        """Hand the features of an image of `image_size` (height, width; after padding) from neck to neck."""
        for neck, told in zip(self, self._told_size, strict=True):
            features = neck(features, image_size=image_size) if told else neck(features)
        return features


def _takes_image_size(neck: nn.Module) -> bool:
    signature = live_signature(neck.forward)
    return signature.is_open or "image_size" in signature.names


def build_neck_list(ops: Sequence[Mapping[str, Any]], channel_list: list[int]) -> tuple[list[nn.Module], list[int]]:
    """Build necks from their descriptions.

    Args:
        ops: for each neck, in order, its name under "name" and its arguments.
        channel_list: the channels of the features that the first neck is given.

    Returns:
        The necks and the channels of the features that the last one hands out.

    Raises:
        ArgumentError: a description has no name, or names an argument that the neck does not take.
        UnknownNameError: no neck has that name.
        CompositionError: a neck cannot work with what the one before it hands out.
    """
    necks: list[nn.Module] = []
    channels = list(channel_list)
    for place, op in enumerate(ops):
        arguments = dict(op)
        name = arguments.pop("name", None)
        if not isinstance(name, str):
            raise ArgumentError(f"necks[{place}] needs the name of a neck under 'name', but holds {dict(op)!r}")
        check_arguments(NECK_REGISTRY.entry(name).signature().without(["channel_list"]), arguments, name)
        neck = NECK_REGISTRY.build(name, list(channels), **arguments)
        channels = list(neck.process_channel_list(channels))
        necks.append(neck)
    return necks, channels
