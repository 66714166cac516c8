"""The network of SatlasPretrain's Swin transformers."""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn

from isthmus.models.backbones.encoder import Encoder
from isthmus.models.backbones.satlas_swin.catalog import PATCH, SatlasSizes
from isthmus.models.layers.arguments import feature_indices
from isthmus.models.layers.image_shape import check_image
from isthmus.specs.features import FeatureSpec, Layout
from isthmus.specs.inputs import InputSpec

WINDOW = 8


class SatlasSwinEncoder(Encoder):
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
        patch_size: of a patch, (height, width).
    """

    def __init__(
        self,
        sizes: SatlasSizes,
        bands: Sequence[str | int],
        out_indices: Sequence[int] | None = None,
        drop_path: float | None = None,
    ) -> None:
        from torchvision.models.swin_transformer import PatchMergingV2, SwinTransformer, SwinTransformerBlockV2

        indices = feature_indices(out_indices, 2 * len(sizes.depths))
        levels = [2 ** (index // 2) for index in indices]
        super().__init__(
            InputSpec.of_image(len(bands), tuple(bands), multiple=PATCH),
            [FeatureSpec(lev * sizes.embed_dim, Layout.GRID_LAST, (float(PATCH * lev),) * 2) for lev in levels],
        )
        self.patch_size, self.out_indices = (PATCH, PATCH), indices
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
        self.features[0][0] = nn.Conv2d(len(bands), sizes.embed_dim, self.patch_size, self.patch_size)

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
