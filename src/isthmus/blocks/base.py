"""What every block is: a record of its settings, which builds the module that does the work.

A network names its blocks before anyone knows how many channels reach them. So a block is a small record, which can be
listed, compared and asked for its stride, and `build` makes a module with new weights from it, as often as wanted.
"""

from dataclasses import dataclass

from torch import nn


@dataclass(frozen=True, kw_only=True)
class EncoderBlock:
    """A block of a stem or an encoder: it keeps the resolution of a map or lowers it.

    Attributes:
        pool: whether it lowers the resolution.
        pooling_stride: by how much, where it does.
    """

    pool: bool = True
    pooling_stride: int = 2

    keeps_skip = False
    """Whether the module gives `Handed`: one tensor for the next block and another one for the skip connection."""

    @property
    def stride(self) -> int:
        """How many times coarser a map is behind the block."""
        return self.pooling_stride if self.pool else 1

    def build(self, in_channels: int) -> nn.Module:
        """Make the module: from `(batch, in_channels, height, width)` to a coarser map.

        The module says in `out_channels` how many channels it gives, and in `skip_channels` how many it keeps for the
        skip connection where that is something else.
        """
        raise NotImplementedError(f"{type(self).__name__} must define build(in_channels)")


@dataclass(frozen=True, kw_only=True)
class DecoderBlock:
    """A block of a decoder: it raises the resolution of a map.

    Attributes:
        upsampling_stride: by how much.
    """

    upsampling_stride: int = 2

    takes_any_size = False
    """Whether the module fits its result to a skip connection that is not exactly `upsampling_stride` as large."""

    def build(self, in_channels: int, skip_channels: int | None = None) -> nn.Module:
        """Make the module: from `(batch, in_channels, height, width)` and a finer map to a finer map.

        The module is called with the map and the skip connection, which is None where there is none at its stride;
        then `skip_channels` is None too. It says in `out_channels` how many channels it gives, and in `uses_skip`
        whether it looks at the skip connection.
        """
        raise NotImplementedError(f"{type(self).__name__} must define build(in_channels, skip_channels)")


@dataclass(frozen=True, kw_only=True)
class StackMerge:
    """What stands between two stacks: it makes the input of the next from what is known after the one before."""

    def build(self, input_channels: int, output_channels: int, prediction_channels: int | None) -> nn.Module:
        """Make the module.

        It is called with the input of the stack `(batch, input_channels, height, width)`, its output and its
        prediction, which is None where the network has no heads, and gives the input of the next.
        """
        raise NotImplementedError(f"{type(self).__name__} must define build(input_channels, ...)")
