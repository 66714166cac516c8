"""The Swin transformers v2 (arXiv 2111.09883) of SatlasPretrain (arXiv 2211.15660), with the names of torchvision."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jaxtyping import Float
from torch import Tensor, nn

from isthmus.models.layers.arguments import feature_indices, image_bands
from isthmus.models.layers.image_shape import check_image
from isthmus.specs.features import FeatureSpec, Layout
from isthmus.weights.adapter import Adapter
from isthmus.weights.building import build_with_weights
from isthmus.weights.hub import bands_of
from isthmus.weights.report import WeightsReport

PUBLISHED = Adapter("features.0.0.weight", renames={"norm.": None, "head.": None}, first_layer="features.0.0.weight")
WINDOW = 8


@dataclass(frozen=True, slots=True)
class Architecture:
    """The sizes of a Swin transformer: of a token at first, in blocks and heads by stage; its stochastic depth."""

    embed_dim: int
    depths: tuple[int, ...]
    num_heads: tuple[int, ...]
    drop_path: float


SIZES = {
    "tiny": Architecture(96, (2, 2, 6, 2), (3, 6, 12, 24), 0.2),
    "base": Architecture(128, (2, 2, 18, 2), (4, 8, 16, 32), 0.5),
}


class SatlasSwin(nn.Module):
    """A Swin transformer v2 without its classifier.

    Takes `(B, C, H, W)` of any size that is a multiple of 4. Gives, for each of `out_indices`, the grid
    `(B, H / stride, W / stride, C')`, channels last. There are eight: what the embedding of the patches (0) and each of
    the mergings of patches (2, 4, 6) gives, and what the stage behind it gives (1, 3, 5, 7), at strides 4 to 32.

    Args:
        sizes: the sizes of the network.
        bands: the bands of an image, in order: names, or integers where they have none.
        out_indices: the features to return, the last ones as negative numbers; all eight by default.
        drop_path: the rate of stochastic depth of the last block; that of the architecture by default.

    Attributes:
        out_channels: per returned feature, its channels.
        feature_specs: per returned feature, its layout.
        in_channels: the number of bands.
        patch_size: of a patch, (height, width).
        weights_report: what was loaded from where; None where the weights are random.
    """

    def __init__(
        self,
        sizes: Architecture,
        bands: Sequence[str | int],
        out_indices: Sequence[int] | None = None,
        drop_path: float | None = None,
    ) -> None:
        from torchvision.models.swin_transformer import PatchMergingV2, SwinTransformer, SwinTransformerBlockV2

        super().__init__()
        self.bands = list(bands)
        self.in_channels = len(self.bands)
        self.patch_size = (4, 4)
        self.out_indices = feature_indices(out_indices, 2 * len(sizes.depths))
        self.weights_report: WeightsReport | None = None
        self.features = SwinTransformer(
            patch_size=list(self.patch_size),
            embed_dim=sizes.embed_dim,
            depths=list(sizes.depths),
            num_heads=list(sizes.num_heads),
            window_size=[WINDOW, WINDOW],
            stochastic_depth_prob=sizes.drop_path if drop_path is None else drop_path,
            block=SwinTransformerBlockV2,
            downsample_layer=PatchMergingV2,
        ).features
        self.features[0][0] = nn.Conv2d(self.in_channels, sizes.embed_dim, self.patch_size, self.patch_size)
        levels = [2 ** (index // 2) for index in self.out_indices]
        self.feature_specs = [
            FeatureSpec(level * sizes.embed_dim, Layout.GRID_LAST, (4.0 * level, 4.0 * level)) for level in levels
        ]
        self.out_channels = [spec.channels for spec in self.feature_specs]

    def forward(self, x: Float[Tensor, "*image"]) -> list[Float[Tensor, "batch grid_height grid_width channels"]]:
        """Encode a batch of images `(B, C, H, W)`.

        Raises:
            ShapeError: a tensor of another shape.
        """
        check_image(x, self.bands, self.patch_size)
        features = []
        for part in self.features[: max(self.out_indices) + 1]:
            x = part(x)
            features.append(x)
        return [features[index] for index in self.out_indices]


def satlas_swin(
    variant: str,
    size: str,
    pretrained: bool = False,
    ckpt_path: str | Path | None = None,
    model_bands: Sequence[str | int | Sequence[int]] | None = None,
    in_chans: int | None = None,
    out_indices: Sequence[int] | None = None,
    drop_path: float | None = None,
    pretrained_bands: Sequence[str | int | Sequence[int]] | None = None,
    new_bands: str | None = None,
    allow_missing_weights: bool = False,
) -> SatlasSwin:
    """Build a Swin transformer of SatlasPretrain.

    Args:
        variant: the name of the backbone, which says what its weights were made of.
        size: "tiny" or "base".
        pretrained: load the published weights, from the Hub or its cache.
        ckpt_path: load the weights in this file instead; it is read whether or not `pretrained` is set.
        model_bands: the bands of the images, in order; those that the weights were made for by default.
        in_chans: the number of bands, where they have no names.
        out_indices: the features to return; [1, 3, 5, 7] are those of the stages. The last one alone by default.
        drop_path: the rate of stochastic depth of the last block; that of the publication by default.
        pretrained_bands: the bands that the weights were made for, where it is not those that are known.
        new_bands: what bands that the weights do not know start from: "mean", the mean over the bands that they know,
            or "random". By default "mean", and an error where the weights know none of the bands.
        allow_missing_weights: leave parameters that the weights do not have at random instead of refusing.

    Returns:
        The encoder. Its `weights_report` says what was loaded. On the `meta` device nothing is loaded.

    Raises:
        ArgumentError: arguments that contradict each other or have no valid value.
        WeightsError: the weights cannot be found, read or fitted.
    """
    bands = image_bands(model_bands, in_chans, bands_of(variant) or ())
    return build_with_weights(
        lambda: SatlasSwin(SIZES[size], bands, (-1,) if out_indices is None else out_indices, drop_path),
        PUBLISHED,
        variant,
        pretrained=pretrained,
        ckpt_path=ckpt_path,
        bands=bands,
        pretrained_bands=pretrained_bands,
        new_bands=new_bands,
        allow_missing=allow_missing_weights,
    )
