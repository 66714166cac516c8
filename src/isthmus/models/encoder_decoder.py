"""What every model of encoder, necks, decoder and head shares: the way through it, and freezing it part by part."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from isthmus.models.base import Model, ModelOutput
from isthmus.models.feature_checks import check_tensors
from isthmus.models.keywords import taken_by
from isthmus.models.padding import image_size, pad_images


class EncoderDecoderModel(Model):
    """Encoder, necks, decoder and head, one after the other.

    Args:
        encoder: gives a list of features.
        decoder: turns them into one tensor.
        head: turns that into the prediction; an identity where the decoder includes its head.
        neck: turns the encoder's features into what the decoder takes; None for nothing in between.
        auxiliary_heads: decoders with their heads by name, which see the same features as the decoder.
        patch_size: what the encoder cuts images into: one number, (height, width) or (frames, height, width).
        size_multiple: what images are padded to multiples of, where necks need more than whole patches.
        padding: how they are padded, as `isthmus.models.padding.pad_images` takes it.
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
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.neck = neck
        self.decoder = decoder
        self.head = head
        self.aux_heads = nn.ModuleDict(dict(auxiliary_heads or {}))
        self.patch_size = patch_size
        self.size_multiple = size_multiple or patch_size
        self.padding = padding
        self.necks: list[dict[str, Any]] = []  # the chain as a configuration holds it, for plans and bundles

    def forward(self, x: Any, image_size: tuple[int, int] | None = None, **kwargs: Any) -> ModelOutput:
        """Predict for a batch of images.

        Args:
            x: `(B, C, H, W)`, `(B, C, T, H, W)`, or a dict of such by modality.
            image_size: the (height, width) of the middle of the image to predict, where it is not the whole.
            kwargs: what else a sample holds; the encoder is given what it takes of it.
        """
        size = image_size or _image_size(x)
        padded = x if self.size_multiple is None else pad_images(x, self.size_multiple, self.padding)
        padded_size = _image_size(padded)
        features = self.encoder(padded, **taken_by(self.encoder, kwargs))
        check_tensors(type(self.encoder).__name__, features)
        if self.neck is not None:
            features = self.neck(features, image_size=padded_size)
        predictions = {
            name: self.finish(branch(list(features)), size, padded_size) for name, branch in self.aux_heads.items()
        }
        output = self.head(self.decoder(list(features)))
        return ModelOutput(self.finish(output, size, padded_size), predictions)

    @abstractmethod
    def finish(self, prediction: Tensor, size: tuple[int, int], padded_size: tuple[int, int]) -> Tensor:
        """What happens to a prediction behind its head."""

    def freeze_encoder(self) -> None:
        """Stop training the encoder."""
        self.freeze("encoder")

    def freeze_decoder(self) -> None:
        """Stop training the necks and the decoder."""
        self.freeze(*(["decoder"] if self.neck is None else ["neck", "decoder"]))

    def freeze_head(self) -> None:
        """Stop training the head."""
        self.freeze("head")


_image_size = image_size  # `forward` has an argument of that name
