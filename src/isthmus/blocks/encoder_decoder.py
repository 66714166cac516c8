"""The generic convolutional encoder-decoder: stacks of blocks that keep account of their stride."""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from isthmus.blocks.base import DecoderBlock, EncoderBlock, StackMerge
from isthmus.blocks.intermediate import IntermediateFeature, StackOutput
from isthmus.blocks.route import find_route, stride_behind
from isthmus.blocks.same import SameConv2d
from isthmus.blocks.stack import Stack, build_in_turn, last_channels
from isthmus.errors import ArgumentError, ShapeError


class EncoderDecoder(nn.Module):
    """A stem, and behind it one or several stacks of an encoder, a bottleneck and a decoder.

    A subclass defines `encoder_stack` and `decoder_stack` and may define `stem_stack`, `bottleneck_stack`,
    `tail_stack` and `stack_merge`, all of them as properties that give records of blocks. What these depend on it sets
    before it calls this constructor, which builds the modules. Skip connections are found by stride: a block of the
    decoder takes the first feature that has the stride it leads to, where the stem comes first, and then the first
    feature of the encoder at each new stride but the last (Pereira et al., 2022, "SLEAP"). What a block keeps for the
    skip connection on purpose (`EncoderBlock.keeps_skip`) goes before all of these.

    Args:
        in_channels: the channels of the images.
        stacks: how often encoder and decoder are repeated; the stem stands in front of the first alone.
        head_channels: the channels of the prediction that a 1 x 1 convolution makes behind every stack; None for no
            heads.
        pad: whether images are filled up with zeros at the bottom and right where their size is no multiple of
            `size_multiple`, and results cropped; otherwise such images are an error.
        input_stride: the pixels of the original image that a pixel of the input stands for.

    Raises:
        ArgumentError: the decoder goes up further than the encoder goes down, or there are several stacks whose output
            has another stride than their input.
    """

    def __init__(
        self,
        in_channels: int = 3,
        stacks: int = 1,
        *,
        head_channels: int | None = None,
        pad: bool = False,
        input_stride: int = 1,
    ) -> None:
        super().__init__()
        self.in_channels, self.head_channels = in_channels, head_channels
        self.stacks, self.pad, self.input_stride = stacks, pad, input_stride
        self._check()
        self.stem = build_in_turn(self.stem_stack or [], in_channels)
        stem_channels = channels = last_channels(self.stem, in_channels)
        self.stack = nn.ModuleList()
        self.heads = nn.ModuleList()
        self.merges = nn.ModuleList()
        for index in range(stacks):
            stack = self._build_stack(channels, stem_channels)
            self.stack.append(stack)
            if head_channels is not None:
                self.heads.append(self.make_head(stack.out_channels, head_channels))
            if self.stack_merge is not None and index < stacks - 1:
                self.merges.append(self.stack_merge.build(channels, stack.out_channels, head_channels))
            elif self.stack_merge is None:
                channels = stack.out_channels
        self.out_channels = stack.out_channels
        # kept, so that a compiler meets numbers on the way through
        self._multiple, self._smallest = self.size_multiple, self.smallest_size
        self._strides = input_stride * self.output_stride, input_stride * self.prediction_stride

    # --- what a subclass says -----------------------------------------------------------------------------------------

    @property
    def stem_stack(self) -> Sequence[EncoderBlock] | None:
        """The blocks in front of the first stack; None for no stem."""
        return None

    @property
    def encoder_stack(self) -> Sequence[EncoderBlock]:
        """The blocks that lead down."""
        raise NotImplementedError(f"{type(self).__name__} must define encoder_stack")

    @property
    def bottleneck_stack(self) -> Sequence[EncoderBlock]:
        """The blocks between encoder and decoder, at the coarsest stride."""
        return []

    @property
    def decoder_stack(self) -> Sequence[DecoderBlock]:
        """The blocks that lead up."""
        raise NotImplementedError(f"{type(self).__name__} must define decoder_stack")

    @property
    def tail_stack(self) -> Sequence[EncoderBlock]:
        """The blocks behind the decoder, whose result is the output of a stack."""
        return []

    @property
    def stack_merge(self) -> StackMerge | None:
        """What makes the input of a stack from that of the one before, its output and its prediction.

        None to hand on the output alone.
        """
        return None

    head_upsampling = 1
    """How many times finer the prediction of a head is than the output of its stack."""

    def make_head(self, in_channels: int, head_channels: int) -> nn.Module:
        """The layer that makes a prediction of the output of a stack."""
        return SameConv2d(in_channels, head_channels, 1)

    # --- strides ------------------------------------------------------------------------------------------------------

    @property
    def stem_features_stride(self) -> int:
        """The stride behind the stem; 1 without one."""
        return stride_behind(self.stem_stack or [])

    @property
    def encoder_features_stride(self) -> int:
        """The stride behind stem and encoder."""
        return self.stem_features_stride * stride_behind(self.encoder_stack)

    @property
    def decoder_features_stride(self) -> int:
        """The stride behind the decoder."""
        stride = self.encoder_features_stride
        for block in self.decoder_stack:
            stride //= block.upsampling_stride
        return stride

    @property
    def maximum_stride(self) -> int:
        """The stride of the coarsest feature."""
        return self.encoder_features_stride

    @property
    def output_stride(self) -> int:
        """The stride of the output."""
        return self.decoder_features_stride

    @property
    def prediction_stride(self) -> int:
        """The stride of the predictions."""
        return self.output_stride // self.head_upsampling

    @property
    def size_multiple(self) -> int:
        """What the size of an image must be a multiple of: 1 where no skip connection asks for a size."""
        fits_all = all(block.takes_any_size for block in self.decoder_stack)
        joins = any(stack.joins for stack in self.stack if isinstance(stack, Stack))
        return self.maximum_stride if (joins and not fits_all) or self.merges else 1

    @property
    def smallest_size(self) -> int:
        """The height and width that an image must have at least."""
        return 1

    # --- the way through it -------------------------------------------------------------------------------------------

    def forward(self, x: Float[Tensor, "batch channels height width"]) -> list[StackOutput]:
        """What every stack gives for a batch of images, the last stack last.

        Raises:
            ShapeError: the size of the images is no multiple of `size_multiple`, and `pad` is off; or they are smaller
                than `smallest_size`.
        """
        height, width = x.shape[-2:]
        x = stem = self._stem_of(self._fitted(x))
        results: list[StackOutput] = []
        for index, stack in enumerate(self.stack):
            output, features = stack(x, stem)
            prediction = self.heads[index](output) if self.heads else None
            results.append(StackOutput(output, features, prediction))
            if index < len(self.stack) - 1:
                x = self.merges[index](x, output, prediction) if self.merges else output
        return [self._cropped(result, height, width) for result in results] if self.pad else results

    def _stem_of(self, x: Tensor) -> Tensor:
        for block in self.stem:
            x = block(x)
        return x

    def _fitted(self, x: Tensor) -> Tensor:
        multiple, smallest = self._multiple, self._smallest
        height, width = x.shape[-2:]
        if height < smallest or width < smallest:
            raise ShapeError(
                f"{type(self).__name__} goes down to stride {self.maximum_stride}, so it takes images of {smallest} x "
                f"{smallest} pixels at least, but is given {height} x {width}"
            )
        if height % multiple == 0 and width % multiple == 0:
            return x
        if not self.pad:
            up = tuple(-(-size // multiple) * multiple for size in (height, width))
            raise ShapeError(
                f"{type(self).__name__} takes images whose height and width are multiples of its maximum stride "
                f"{multiple}, but is given {height} x {width}; set pad to true, or bring them to {up[0]} x {up[1]}"
            )
        return F.pad(x, (0, -width % multiple, 0, -height % multiple))

    def _cropped(self, result: StackOutput, height: int, width: int) -> StackOutput:
        def crop(tensor: Tensor, stride: int) -> Tensor:
            stride = max(stride // self.input_stride, 1)
            return tensor[..., : -(-height // stride), : -(-width // stride)]

        prediction = None if result.prediction is None else crop(result.prediction, self._strides[1])
        features = [IntermediateFeature(crop(each.tensor, each.stride), each.stride) for each in result.features]
        return StackOutput(crop(result.output, self._strides[0]), features, prediction)

    # --- construction -------------------------------------------------------------------------------------------------

    def _build_stack(self, channels: int, stem_channels: int) -> Stack:
        return Stack(
            channels,
            stem_channels,
            encoder=self.encoder_stack,
            bottleneck=self.bottleneck_stack,
            decoder=self.decoder_stack,
            tail=self.tail_stack,
            route=find_route(self.stem_stack, self.encoder_stack, self.decoder_stack),
            stride=self.input_stride * self.stem_features_stride,
        )

    def _check(self) -> None:
        if self.stacks < 1:
            raise ArgumentError(f"stacks is {self.stacks}; at least 1 was expected")
        if self.stacks > 1 and self.stem_features_stride != self.decoder_features_stride:
            raise ArgumentError(
                f"{self.stacks} stacks need an encoder and a decoder that go down and up equally far, but each leads "
                f"from stride {self.stem_features_stride} to {self.decoder_features_stride}; for an output stride "
                "above 1 lower the resolution in the stem"
            )
