"""The vision transformers of DINOv3 (arXiv 2508.10104), of the parts that timm holds them in, under timm's names."""

import functools
import warnings
from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from isthmus.errors import ShapeError
from isthmus.models.backbones.dinov3.catalog import DinoV3Sizes
from isthmus.models.backbones.encoder import Encoder
from isthmus.models.layers.arguments import feature_indices
from isthmus.models.layers.image_shape import check_image
from isthmus.specs.features import FeatureSpec, Layout
from isthmus.specs.inputs import InputSpec

REGISTERS = 4


class DinoV3ViTEncoder(Encoder):
    """A vision transformer of DINOv3.

    Takes `(B, C, H, W)` of any size: positions are rotations of queries and keys, and nothing is learned for a size.
    Gives, for each block in `out_indices`, the tokens `(B, 1 + H' x W', embed_dim)` with the class token first, all of
    them normalised. Pixels beyond the last whole patch are not seen. The registers are in no feature.

    Args:
        sizes: the sizes of the network.
        bands: the bands of an image, in order: names, or integers where they have none.
        out_indices: the blocks whose output is returned, the last ones as negative numbers; every block by default.
        return_cls_token: whether the class token is in front of the patches.
        drop_path: the rate of stochastic depth of the last block; it grows linearly from zero at the first.

    Attributes:
        patch_size: of a patch, (height, width).
    """

    def __init__(
        self,
        sizes: DinoV3Sizes,
        bands: Sequence[str | int],
        out_indices: Sequence[int] | None = None,
        return_cls_token: bool = True,
        drop_path: float = 0.0,
    ) -> None:
        patch, indices = sizes.patch_size, feature_indices(out_indices, sizes.depth)
        spec = FeatureSpec(sizes.embed_dim, Layout.TOKENS, (float(patch),) * 2, prefix_tokens=int(return_cls_token))
        super().__init__(InputSpec.of_image(len(bands), tuple(bands), multiple=patch), [spec] * len(indices))
        self.patch_size, self.out_indices, self.return_cls_token = (patch, patch), indices, return_cls_token
        network = _timm_network(sizes, len(bands), drop_path)
        self.cls_token, self.reg_token = network.cls_token, network.reg_token
        self.patch_embed, self.blocks, self.norm = network.patch_embed, network.blocks, network.norm
        self.rope = network.rope
        # The published weights hold the periods of the rotations, rounded, and were trained with them.
        self.rope.register_buffer("periods", self.rope.periods, persistent=True)

    def forward(self, x: Float[Tensor, "*image"]) -> list[Float[Tensor, "batch tokens embed"]]:
        """Encode a batch of images `(B, C, H, W)`.

        Raises:
            ShapeError: a tensor of another shape, or an image smaller than a patch.
        """
        self._check(x)
        cells = self.patch_embed.proj(x)
        rotations = self.rope.get_embed(shape=list(cells.shape[2:]))
        prefix = torch.cat([self.cls_token, self.reg_token], dim=1).expand(len(x), -1, -1)
        tokens = torch.cat([prefix, cells.flatten(2).transpose(1, 2)], dim=1)
        features: dict[int, Tensor] = {}
        for index, block in enumerate(self.blocks[: max(self.out_indices) + 1]):
            tokens = block(tokens, rope=rotations)
            if index in self.out_indices:
                features[index] = self._finish(tokens)
        return [features[index] for index in self.out_indices]

    def _finish(self, tokens: Float[Tensor, "batch tokens embed"]) -> Float[Tensor, "batch kept embed"]:
        normalised = self.norm(tokens)
        patches: Tensor = normalised[:, 1 + REGISTERS :]
        return torch.cat([normalised[:, :1], patches], dim=1) if self.return_cls_token else patches

    def _check(self, x: Tensor) -> None:
        check_image(x, self.bands, (1, 1))
        (height, width), (patch, _) = x.shape[2:], self.patch_size
        if height < patch or width < patch:
            raise ShapeError(f"the image of shape {tuple(x.shape)} is smaller than a patch of {self.patch_size} (H, W)")
        if height % patch or width % patch:
            warnings.warn(
                f"the image of shape {tuple(x.shape)} is no multiple of the patch {self.patch_size} (H, W): the last "
                f"{height % patch} rows and {width % patch} columns are not seen; pad it to avoid that",
                stacklevel=4,
            )


def _timm_network(sizes: DinoV3Sizes, in_chans: int, drop_path: float) -> Any:
    from timm.models.eva import Eva

    return Eva(
        img_size=224,
        patch_size=sizes.patch_size,
        in_chans=in_chans,
        num_classes=0,
        embed_dim=sizes.embed_dim,
        depth=sizes.depth,
        num_heads=sizes.num_heads,
        qkv_bias=sizes.qkv_bias,
        mlp_ratio=sizes.mlp_ratio,
        swiglu_mlp=sizes.gated,
        swiglu_align_to=8,  # gate and value as layers of their own
        drop_path_rate=drop_path,
        norm_layer=functools.partial(nn.LayerNorm, eps=1e-5),
        init_values=1e-5,
        num_reg_tokens=REGISTERS,
        use_abs_pos_emb=False,
        use_rot_pos_emb=True,
        rope_type="dinov3",
        rope_temperature=100.0,
        rope_rotate_half=True,
        use_fc_norm=False,
        dynamic_img_size=True,
    )
