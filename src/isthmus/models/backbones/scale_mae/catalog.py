"""The Scale-MAE family (arXiv 2212.14532): its members, with their sizes."""

from typing import Any

from isthmus.models.layers.vit_sizes import VitSizes
from isthmus.registry.families import BackboneFacts, FamilyEntry

VARIANTS = {
    "scalemae_base_patch16": VitSizes(768, 12, 12),
    "scalemae_large_patch16": VitSizes(1024, 24, 16),
    "scalemae_huge_patch14": VitSizes(1280, 32, 16, patch_size=14),
}


def _scale_mae(name: str, parameters: int, doc: str, **published: Any) -> FamilyEntry:
    """An encoder of the Scale-MAE family; means and standard deviations are those of bytes from 0 to 255."""
    facts = BackboneFacts(
        family="scale_mae",
        doc=doc,
        parameters=parameters,
        bands=("RED", "GREEN", "BLUE"),
        wavelengths=(0.665, 0.56, 0.49),
        patch_size=VARIANTS[name].patch_size,
        image_size=224,
        **published,
    )
    return FamilyEntry(name, "isthmus.models.backbones.scale_mae.family:ScaleMAE", {"variant": name}, facts=facts)


ENTRIES = (
    _scale_mae("scalemae_base_patch16", 85_645_824, "Scale-MAE, ViT-B, without published weights"),
    _scale_mae(
        "scalemae_large_patch16",
        303_097_856,
        "Scale-MAE, ViT-L, positions in metres on the ground",
        weights="isaaccorley/vit_large_patch16_224_fmow_rgb_scalemae",
        file="vit_large_patch16_224_fmow_rgb_scalemae-98ed9821.pth",
        sha256_prefix="98ed9821",
        revision="9dc7f569424baeb780698352cf6e87638c882123",
        means=(123.675, 116.28, 103.53),
        stds=(58.395, 57.12, 57.375),
    ),
    _scale_mae("scalemae_huge_patch14", 630_433_280, "Scale-MAE, ViT-H, without published weights"),
)
