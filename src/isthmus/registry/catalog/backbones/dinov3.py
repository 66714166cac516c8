"""DINOv3 (arXiv 2508.10104), with the weights as timm publishes them."""

from typing import Any

from isthmus.registry.entry import Entry


def _dinov3(name: str, parameters: int, doc: str, timm_name: str | None, **facts: Any) -> Entry:
    """An encoder of DINOv3. Means and standard deviations are those of ImageNet, for values from 0 to 1."""
    published = {"weights": f"timm/{timm_name}", "file": "model.safetensors", "license": "dinov3-license"}
    every: dict[str, Any] = {
        "family": "dinov3",
        "doc": doc,
        "parameters": parameters,
        "bands": ["RED", "GREEN", "BLUE"],
        "means": [0.485, 0.456, 0.406],
        "stds": [0.229, 0.224, 0.225],
        **facts,
        **(published if timm_name else {}),
    }
    return Entry(name, "isthmus.models.backbones.dinov3:dinov3", {"variant": name}, every)


def _vit(size: str, parameters: int, doc: str, timm_name: str | None) -> Entry:
    return _dinov3(f"dinov3_vit{size}", parameters, f"DINOv3, {doc}", timm_name, patch_size=16)


def _convnext(size: str, parameters: int) -> Entry:
    name = f"convnext_{size}"
    return _dinov3(f"dinov3_{name}", parameters, f"DINOv3, ConvNeXt {size}", f"{name}.dinov3_lvd1689m")


ENTRIES: tuple[Entry, ...] = (
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
