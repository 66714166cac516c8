"""`PixelWiseModel`: a prediction for every pixel."""

from collections.abc import Mapping, Sequence

from torch import Tensor, nn
from torch.nn import functional

from isthmus.errors import ShapeError
from isthmus.models.encoder_decoder import EncoderDecoderModel
from isthmus.models.padding import crop_centre


class PixelWiseModel(EncoderDecoderModel):
    """A map as large as the image: `(B, classes, H, W)`, or `(B, H, W)` for a regression of one quantity.

    Args:
        encoder: gives a list of features.
        decoder: turns them into one grid.
        head: turns that into the prediction; an identity where the decoder includes its head.
        neck: turns the encoder's features into what the decoder takes.
        auxiliary_heads: decoders with their heads by name.
        patch_size: what the encoder cuts images into.
        size_multiple: what images are padded to multiples of (the patch size, if nothing is given); the prediction is
            cropped back.
        padding: how they are padded.
        rescale: whether a prediction on a coarser or finer grid is resized to the image (bilinear).
        squeeze_channel: whether a prediction with one channel loses that axis.
        image_size_out: the (height, width) of the middle of the image to predict, where the rest of it only gives
            context.
    """

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module,
        head: nn.Module,
        *,
        neck: nn.Module | None = None,
        auxiliary_heads: Mapping[str, nn.Module] | None = None,
        patch_size: int | Sequence[int] | None = None,
        size_multiple: Sequence[int] | None = None,
        padding: str = "reflect",
        rescale: bool = True,
        squeeze_channel: bool = False,
        image_size_out: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(
            encoder,
            decoder,
            head,
            neck=neck,
            auxiliary_heads=auxiliary_heads,
            patch_size=patch_size,
            size_multiple=size_multiple,
            padding=padding,
        )
        self.rescale = rescale
        self.squeeze_channel = squeeze_channel
        self.image_size_out = image_size_out

    def finish(self, prediction: Tensor, size: tuple[int, int], padded_size: tuple[int, int]) -> Tensor:
        """Resize the prediction to the padded image, drop a lone channel, crop the padding."""
        if prediction.ndim != 4:
            raise ShapeError(
                f"a map needs predictions of shape (B, C, H, W), but the head gave {tuple(prediction.shape)}; "
                "a neck that turns tokens into a grid (ReshapeTokensToImage) may be missing"
            )
        if self.rescale and prediction.shape[-2:] != padded_size:
            prediction = functional.interpolate(prediction, size=padded_size, mode="bilinear")
        if self.squeeze_channel and prediction.shape[1] == 1:
            prediction = prediction.squeeze(1)
        if prediction.shape[-2:] != padded_size:
            return prediction
        return crop_centre(prediction, self.image_size_out or size)
