"""The published variants of DINOv3 (arXiv 2508.10104), built by name, with their weights.

The weights are published twice: by Meta, for the modules of its repository facebookresearch/dinov3, and converted by
timm. Files of both are read. The networks are in `dinov3_vit` and `dinov3_convnext`.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from isthmus.models.backbones.dinov3_convnext import ConvNeXtSizes, DinoV3ConvNeXt
from isthmus.models.backbones.dinov3_vit import DinoV3ViT, ViTSizes
from isthmus.models.layers.arguments import image_bands
from isthmus.weights.adapter import Adapter, Bands
from isthmus.weights.building import build_with_weights

PRETRAINED_BANDS = ("RED", "GREEN", "BLUE")
VITS = {
    "dinov3_vits16": ViTSizes(384, 12, 6),
    "dinov3_vits16plus": ViTSizes(384, 12, 6, gated=True),
    "dinov3_vitb16": ViTSizes(768, 12, 12),
    "dinov3_vitl16": ViTSizes(1024, 24, 16),
    "dinov3_vitl16plus": ViTSizes(1024, 24, 16, gated=True),
    "dinov3_vith16plus": ViTSizes(1280, 32, 20, gated=True),
    "dinov3_vit7b16": ViTSizes(4096, 40, 32, mlp_ratio=2.0, gated=True, qkv_bias=False),
}
CONVNEXTS = {
    "dinov3_convnext_tiny": ConvNeXtSizes((3, 3, 9, 3), (96, 192, 384, 768)),
    "dinov3_convnext_small": ConvNeXtSizes((3, 3, 27, 3), (96, 192, 384, 768)),
    "dinov3_convnext_base": ConvNeXtSizes((3, 3, 27, 3), (128, 256, 512, 1024)),
    "dinov3_convnext_large": ConvNeXtSizes((3, 3, 27, 3), (192, 384, 768, 1536)),
}

_VIT_NAMES = (
    (r"\bstorage_tokens$", "reg_token"),
    (r"\brope_embed\.periods$", "rope.periods"),
    (r"\bls([12])\.gamma$", r"gamma_\1"),
    (r"\bmlp\.w1\.", "mlp.fc1_g."),
    (r"\bmlp\.w2\.", "mlp.fc1_x."),
    (r"\bmlp\.w3\.", "mlp.fc2."),
)
_CONVNEXT_NAMES = (
    (r"\bdownsample_layers\.0\.", "stem."),
    (r"\bdownsample_layers\.(\d+)\.", r"stages.\1.downsample."),
    (r"\bstages\.(\d+)\.(\d+)\.", r"stages.\1.blocks.\2."),
    (r"\bdwconv\.", "conv_dw."),
    (r"\bpwconv([12])\.", r"mlp.fc\1."),
)


def vit_entries(checkpoint: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The entries of Meta's files under timm's names; those of timm's files stay as they are.

    The bias of the queries, keys and values is one vector there, of which the middle third is masked.
    """
    entries = {}
    for key, tensor in _renamed(checkpoint, _VIT_NAMES).items():
        if key.endswith("attn.qkv.bias"):
            query, _, value = tensor.chunk(3)
            entries[key.replace("qkv.bias", "q_bias")] = query
            entries[key.replace("qkv.bias", "v_bias")] = value
        else:
            entries[key] = tensor
    return entries


def convnext_entries(checkpoint: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The entries of Meta's files under timm's names; those of timm's files stay as they are."""
    return _renamed(checkpoint, _CONVNEXT_NAMES)


def _renamed(checkpoint: Mapping[str, Tensor], names: Sequence[tuple[str, str]]) -> dict[str, Tensor]:
    entries = {}
    for key, tensor in checkpoint.items():
        for pattern, put in names:
            key = re.sub(pattern, put, key)
        entries[key] = tensor
    return entries


VIT = Adapter(
    "patch_embed.proj.weight",
    renames={"mask_token": None, "local_cls_norm.": None, "head.": None},
    first_layer="patch_embed.proj.weight",
    convert=vit_entries,
)
CONVNEXT = Adapter(
    "stem.0.weight",
    renames={"head.norm.": "norm.", "norms.": None, "head.": None},  # norms.3 is norm once more
    first_layer="stem.0.weight",
    convert=convnext_entries,
)


def dinov3(
    variant: str,
    pretrained: bool = False,
    ckpt_path: str | Path | None = None,
    bands: Sequence[str | int | Sequence[int]] | None = None,
    in_chans: int | None = None,
    return_cls_token: bool = True,
    out_indices: Sequence[int] | None = None,
    drop_path: float = 0.0,
    pretrained_bands: Bands = PRETRAINED_BANDS,
    new_bands: str | None = None,
    allow_missing_weights: bool = False,
) -> DinoV3ViT | DinoV3ConvNeXt:
    """Build an encoder of DINOv3.

    Args:
        variant: the name of the variant, such as `dinov3_vitb16`.
        pretrained: load the published weights, from the Hub or its cache.
        ckpt_path: load the weights in this file instead, as Meta or as timm publishes them; it is read whether or not
            `pretrained` is set.
        bands: the bands of the images, in order; red, green and blue by default.
        in_chans: the number of bands, where they have no names.
        return_cls_token: whether features begin with the class token or, in a ConvNeXt, the mean over the grid.
        out_indices: the blocks, or stages of a ConvNeXt, whose output is returned; every one by default.
        drop_path: the rate of stochastic depth of the last block.
        pretrained_bands: the bands that the weights were made for.
        new_bands: what bands that the weights do not know start from: "mean", the mean over the bands that they know,
            or "random". By default "mean", and an error where the weights know none of the bands.
        allow_missing_weights: leave parameters that the weights do not have at random instead of refusing.

    Returns:
        The encoder. Its `weights_report` says what was loaded. On the `meta` device nothing is loaded.

    Raises:
        ArgumentError: arguments that contradict each other or have no valid value.
        WeightsError: the weights cannot be found, read or fitted.
    """
    own_bands = image_bands(bands, in_chans, PRETRAINED_BANDS)

    def construct() -> DinoV3ViT | DinoV3ConvNeXt:
        given: dict[str, Any] = {"return_cls_token": return_cls_token, "drop_path": drop_path}
        if variant in VITS:
            return DinoV3ViT(VITS[variant], own_bands, out_indices, **given)
        return DinoV3ConvNeXt(CONVNEXTS[variant], own_bands, out_indices, **given)

    return build_with_weights(
        construct,
        VIT if variant in VITS else CONVNEXT,
        variant,
        pretrained=pretrained,
        ckpt_path=ckpt_path,
        bands=own_bands,
        pretrained_bands=pretrained_bands,
        new_bands=new_bands,
        allow_missing=allow_missing_weights,
    )
