"""The network of DOFA: a vision transformer over images of any bands (arXiv 2403.15356)."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from isthmus.models.backbones.vision_transformer import VisionTransformer, VitConfig
from isthmus.models.layers.image_shape import check_image
from isthmus.models.layers.sincos import native_positions, resize_positions, sincos_1d
from isthmus.models.layers.transformer import run_blocks
from isthmus.models.layers.wavelength_embedding import CHANNELS, ResidualLayers, WeightGenerator, as_wavelengths

_SCALE = 0.01  # of the generated weights


class DynamicPatchEmbedding(nn.Module):
    """Cuts images into patches and projects each to a token, with weights made from the wavelengths of the bands.

    Args:
        channels: the size of a token.
        patch_size: height and width of a patch.
    """

    def __init__(self, channels: int, patch_size: int) -> None:
        super().__init__()
        self.channels, self.patch_size = channels, patch_size
        self.weight_generator = WeightGenerator(channels, patch_size * patch_size * channels)
        self.fclayer = ResidualLayers(CHANNELS, F.relu)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.constant_(module.bias, 0.01)

    def forward(
        self, x: Float[Tensor, "batch bands height width"], wavelengths: Float[Tensor, "bands"]
    ) -> Float[Tensor, "batch channels grid_height grid_width"]:
        """Embed the patches. As published, they lie one pixel up and to the left of the grid of the image."""
        embedded = sincos_1d(wavelengths * 1000, CHANNELS).to(x.dtype)
        weight, bias = self.weight_generator(self.fclayer(embedded))
        kernel = weight.unflatten(1, (self.patch_size, self.patch_size, self.channels)).permute(3, 0, 1, 2)
        return F.conv2d(x, kernel * _SCALE, bias * _SCALE, stride=self.patch_size, padding=1)


class DOFAEncoder(VisionTransformer):
    """The encoder of DOFA.

    Takes `(B, C, H, W)` of any bands whose wavelengths are known, and any height and width that are multiples of the
    patch: the position embeddings follow. Gives, for each block in `out_indices`, the tokens `(B, 1 + H' x W',
    embed_dim)` with the class token first. They are not normalised at the end: the published weights hold no norm.

    Args:
        config: the sizes; of tokens a multiple of 4.
        wavelengths: of each band, in micrometres; radar bands have the number that `isthmus.bands.WAVELENGTHS` says.
    """

    pos_embed: Tensor

    def __init__(self, config: VitConfig, wavelengths: Sequence[float]) -> None:
        super().__init__(config, metadata=("wavelengths",))
        self.wavelengths = list(wavelengths)
        self.register_buffer("pos_embed", native_positions(self.embed_dim, self.grid_size))
        self.patch_embed = DynamicPatchEmbedding(self.embed_dim, config.sizes.patch_size)
        self.blocks = config.blocks(norm_eps=1e-6)

    def forward(
        self, x: Float[Tensor, "*image"], wavelengths: Tensor | Sequence[float] | None = None
    ) -> list[Float[Tensor, "batch tokens embed"]]:
        """Encode a batch of images.

        Args:
            x: `(B, C, H, W)`.
            wavelengths: `(C,)`, in micrometres, of the bands of these images, where they are not those that the encoder
                was made for. Their number may be another.

        Raises:
            ShapeError: a tensor of another shape.
        """
        grid = check_image(x, self.bands if wavelengths is None else None, self.patch_size)
        waves = as_wavelengths(self.wavelengths if wavelengths is None else wavelengths, x)
        patches = self.patch_embed(x, waves).permute(0, 2, 3, 1)
        native = self.pos_embed[:, 1:].unflatten(1, self.grid_size)
        patches = patches + resize_positions(native, grid).to(patches.dtype)
        class_token = (self.cls_token + self.pos_embed[:, :1]).to(patches.dtype)
        tokens = torch.cat([class_token.expand(len(x), -1, -1), patches.flatten(1, 2)], dim=1)
        return run_blocks(self.blocks, nn.Identity(), tokens, self.out_indices, self.vpt_prompt_embeddings)
