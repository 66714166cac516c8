"""DINOv3 (arXiv 2508.10104): its members, with their sizes and the weights as timm publishes them."""

from dataclasses import dataclass
from typing import Any

from isthmus.models.layers.vit_sizes import VitSizes
from isthmus.registry.families import BackboneFacts, FamilyEntry


@dataclass(frozen=True, slots=True)
class DinoV3Sizes(VitSizes):
    """The sizes of a vision transformer.

    Attributes:
        gated: whether the feed-forward networks are gated (SwiGLU, arXiv 2002.05202).
        qkv_bias: whether queries and values have a bias. Keys never have one.
    """

    gated: bool = False
    qkv_bias: bool = True


@dataclass(frozen=True, slots=True)
class ConvNeXtSizes:
    """The number of blocks and of channels of each stage."""

    depths: tuple[int, ...]
    dims: tuple[int, ...]


VITS = {
    "dinov3_vits16": DinoV3Sizes(384, 12, 6),
    "dinov3_vits16plus": DinoV3Sizes(384, 12, 6, gated=True),
    "dinov3_vitb16": DinoV3Sizes(768, 12, 12),
    "dinov3_vitl16": DinoV3Sizes(1024, 24, 16),
    "dinov3_vitl16plus": DinoV3Sizes(1024, 24, 16, gated=True),
    "dinov3_vith16plus": DinoV3Sizes(1280, 32, 20, gated=True),
    "dinov3_vit7b16": DinoV3Sizes(4096, 40, 32, mlp_ratio=2.0, gated=True, qkv_bias=False),
}
CONVNEXTS = {
    "dinov3_convnext_tiny": ConvNeXtSizes((3, 3, 9, 3), (96, 192, 384, 768)),
    "dinov3_convnext_small": ConvNeXtSizes((3, 3, 27, 3), (96, 192, 384, 768)),
    "dinov3_convnext_base": ConvNeXtSizes((3, 3, 27, 3), (128, 256, 512, 1024)),
    "dinov3_convnext_large": ConvNeXtSizes((3, 3, 27, 3), (192, 384, 768, 1536)),
}


def _dinov3(name: str, family: str, parameters: int, doc: str, timm_name: str | None, **facts: Any) -> FamilyEntry:
    """An encoder of DINOv3. Means and standard deviations are those of ImageNet, for values from 0 to 1."""
    if timm_name is not None:
        facts |= {"weights": f"timm/{timm_name}", "file": "model.safetensors", "license": "dinov3-license"}
    known = BackboneFacts(
        family="dinov3",
        doc=f"DINOv3, {doc}",
        parameters=parameters,
        bands=("RED", "GREEN", "BLUE"),
        means=(0.485, 0.456, 0.406),
        stds=(0.229, 0.224, 0.225),
        **facts,
    )
    return FamilyEntry(name, f"isthmus.models.backbones.dinov3.family:{family}", {"variant": name}, facts=known)


def _vit(size: str, parameters: int, doc: str, timm_name: str | None) -> FamilyEntry:
    name = f"dinov3_vit{size}"
    return _dinov3(name, "DinoV3ViT", parameters, doc, timm_name, patch_size=VITS[name].patch_size)


def _convnext(size: str, parameters: int) -> FamilyEntry:
    published = f"convnext_{size}.dinov3_lvd1689m"
    return _dinov3(f"dinov3_convnext_{size}", "DinoV3ConvNeXt", parameters, f"ConvNeXt {size}", published)


ENTRIES = (
    _vit("s16", 21_596_160, "ViT-S/16", "vit_small_patch16_dinov3_qkvb.lvd1689m"),
    _vit("s16plus", 28_692_480, "ViT-S+/16", "vit_small_plus_patch16_dinov3_qkvb.lvd1689m"),
    _vit("b16", 85_659_648, "ViT-B/16", "vit_base_patch16_dinov3_qkvb.lvd1689m"),
    _vit("l16", 303_128_576, "ViT-L/16", "vit_large_patch16_dinov3_qkvb.lvd1689m"),
    _vit("l16plus", 403_890_176, "ViT-L+/16, without published weights", None),
    _vit("h16plus", 840_591_360, "ViT-H+/16", "vit_huge_plus_patch16_dinov3_qkvb.lvd1689m"),
    _vit("7b16", 6_716_030_976, "ViT-7B/16", "vit_7b_patch16_dinov3.lvd1689m"),
    _convnext("tiny", 27_820_128),
    _convnext("small", 49_454_688),
    _convnext("base", 87_566_464),
    _convnext("large", 196_230_336),
)
