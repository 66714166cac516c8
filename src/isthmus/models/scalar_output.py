"""`ScalarOutputModel`: labels or numbers for a whole image."""

from torch import Tensor

from isthmus.errors import ShapeError
from isthmus.models.encoder_decoder import EncoderDecoderModel


class ScalarOutputModel(EncoderDecoderModel):
    """One vector for an image: `(B, classes)` or `(B, quantities)`.

    The head is a `ScalarHead`; padding, necks, auxiliary heads and freezing are those of `EncoderDecoderModel`.
    """

    def finish(self, prediction: Tensor, size: tuple[int, int], padded_size: tuple[int, int]) -> Tensor:  # noqa: ARG002
        """Hand the prediction on as it is."""
        if prediction.ndim != 2:
            raise ShapeError(f"labels need predictions of shape (B, C), but the head gave {tuple(prediction.shape)}")
        return prediction
