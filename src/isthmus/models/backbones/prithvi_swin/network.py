"""The network of Prithvi-Swin."""

import itertools
from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn

from isthmus.errors import ArgumentError
from isthmus.models.backbones.encoder import Encoder
from isthmus.models.backbones.prithvi_swin.catalog import PATCH
from isthmus.models.backbones.prithvi_swin.layers import PatchEmbedding, SwinStage, draw_weights
from isthmus.models.layers.arguments import feature_indices
from isthmus.models.layers.image_shape import check_image
from isthmus.models.layers.swin_sizes import SwinSizes
from isthmus.models.layers.transformer import growing_rates
from isthmus.specs.features import FeatureSpec, Layout
from isthmus.specs.inputs import InputSpec

_STAGES = range(4)


class PrithviSwinEncoder(Encoder):
    """A Swin transformer that gives the maps of its four stages.

    Takes single images `(B, C, H, W)` whose sides are multiples of 4, and gives for each stage in `out_indices` the map
    `(B, H / s, W / s, C_s)`, channels last and normalised, with the strides s = 4, 8, 16 and 32, rounded up.

    Args:
        sizes: the sizes of the network.
        bands: the bands of an image, in order: names, or integers where they have none.
        image_size: the native (height, width).
        window_size: the side of a window in tokens.
        out_indices: the stages whose map is returned, the last ones as negative numbers; all four by default.
        drop_path: the rate of stochastic depth of the last block; it grows linearly from zero at the first.

    Attributes:
        patch_size: of a patch, (height, width).

    Raises:
        ArgumentError: sizes that do not divide, or another number of stages.
    """

    patch_size = (PATCH, PATCH)

    def __init__(
        self,
        sizes: SwinSizes,
        bands: Sequence[str | int],
        image_size: tuple[int, int],
        window_size: int = 7,
        out_indices: Sequence[int] | None = None,
        drop_path: float = 0.0,
    ) -> None:
        _check_sizes(sizes, window_size)
        indices = feature_indices(out_indices, len(_STAGES))
        widths = [sizes.embed_dim * 2**stage for stage in _STAGES]
        super().__init__(
            InputSpec.of_image(len(bands), tuple(bands), image_size=image_size, multiple=PATCH),
            [FeatureSpec(widths[stage], Layout.GRID_LAST, (float(PATCH * 2**stage),) * 2) for stage in indices],
        )
        self.out_indices = indices
        rates = iter(growing_rates(drop_path, sum(sizes.depths)))
        self.patch_embed = PatchEmbedding(len(bands), sizes.embed_dim, PATCH)
        self.stages = nn.ModuleList(
            SwinStage(
                widths[stage],
                sizes.num_heads[stage],
                window_size,
                list(itertools.islice(rates, sizes.depths[stage])),
                is_last=stage == _STAGES[-1],
            )
            for stage in _STAGES
        )
        draw_weights(self)

    def forward(self, x: Float[Tensor, "*image"]) -> list[Float[Tensor, "batch _ _ _"]]:
        """Encode a batch of images `(B, C, H, W)`.

        Raises:
            ShapeError: another number of axes or of bands, or sides that are no multiples of 4.
        """
        check_image(x, self.bands, self.patch_size)
        tokens, maps = self.patch_embed(x), []
        for stage in self.stages[: max(self.out_indices) + 1]:
            normalised, tokens = stage(tokens)
            maps.append(normalised)
        return [maps[index] for index in self.out_indices]


def _check_sizes(sizes: SwinSizes, window_size: int) -> None:
    for name, given in (("depths", sizes.depths), ("num_heads", sizes.num_heads)):
        if len(given) != len(_STAGES) or min(given) < 1:
            raise ArgumentError(f"{name} is {list(given)}: a number for each of {len(_STAGES)} stages was expected")
    if any(sizes.embed_dim * 2**stage % sizes.num_heads[stage] for stage in _STAGES):
        raise ArgumentError(
            f"embed_dim is {sizes.embed_dim} with num_heads {list(sizes.num_heads)}: the channels of each stage, which "
            "double from one to the next, must be a multiple of its heads"
        )
    if window_size < 2:
        raise ArgumentError(f"window_size is {window_size}: 2 or more was expected")
