"""The Scale-MAE family (arXiv 2212.14532)."""

from typing import Any

from isthmus.registry.entry import Entry


def _scale_mae(name: str, parameters: int, doc: str, patch_size: int = 16, **published: Any) -> Entry:
    """An encoder of the Scale-MAE family; means and standard deviations are those of bytes from 0 to 255."""
    facts = {
        "family": "scale_mae",
        "doc": doc,
        "parameters": parameters,
        "bands": ["RED", "GREEN", "BLUE"],
        "wavelengths": [0.665, 0.56, 0.49],
        "patch_size": patch_size,
        "image_size": 224,
        **published,
    }
    return Entry(name, "isthmus.models.backbones.scale_mae:scale_mae", {"variant": name}, facts)


ENTRIES: tuple[Entry, ...] = (
    _scale_mae("scalemae_base_patch16", 85_645_824, "Scale-MAE, ViT-B, without published weights"),
    _scale_mae(
        "scalemae_large_patch16",
        303_097_856,
        "Scale-MAE, ViT-L, positions in metres on the ground",
        weights="isaaccorley/vit_large_patch16_224_fmow_rgb_scalemae",
        file="vit_large_patch16_224_fmow_rgb_scalemae-98ed9821.pth",
        sha256_prefix="98ed9821",
        revision="9dc7f569424baeb780698352cf6e87638c882123",
        means=[123.675, 116.28, 103.53],
        stds=[58.395, 57.12, 57.375],
    ),
    _scale_mae("scalemae_huge_patch14", 630_433_280, "Scale-MAE, ViT-H, without published weights", patch_size=14),
)
