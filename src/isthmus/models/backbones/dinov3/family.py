"""How an encoder of DINOv3 is built, and what the files that Meta and timm publish look like beside it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from isthmus.models.backbones.dinov3.catalog import CONVNEXTS, VITS
from isthmus.models.backbones.dinov3.convnext import DinoV3ConvNeXtEncoder
from isthmus.models.backbones.dinov3.vit import DinoV3ViTEncoder
from isthmus.models.backbones.family import BandedFamily, FeatureFamily, FittedFamily
from isthmus.weights.adapter import Adapter

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


@dataclass(frozen=True, kw_only=True)
class DinoV3(BandedFamily, FittedFamily, FeatureFamily):
    """The DINOv3 family.

    Args:
        return_cls_token: whether features begin with the class token or, in a ConvNeXt, the mean over the grid.
        drop_path: the rate of stochastic depth of the last block.
    """

    return_cls_token: bool = True
    drop_path: float = 0.0


@dataclass(frozen=True, kw_only=True)
class DinoV3ViT(DinoV3):
    """The vision transformers."""

    published = Adapter(
        "patch_embed.proj.weight",
        renames={"mask_token": None, "local_cls_norm.": None, "head.": None},
        first_layer="patch_embed.proj.weight",
        convert=vit_entries,
    )

    def network(self) -> DinoV3ViTEncoder:
        """The network, at random."""
        return DinoV3ViTEncoder(
            VITS[self.variant], self.image_bands, self.out_indices, self.return_cls_token, self.drop_path
        )


@dataclass(frozen=True, kw_only=True)
class DinoV3ConvNeXt(DinoV3):
    """The ConvNeXts."""

    published = Adapter(
        "stem.0.weight",
        renames={"head.norm.": "norm.", "norms.": None, "head.": None},  # norms.3 is norm once more
        first_layer="stem.0.weight",
        convert=convnext_entries,
    )

    def network(self) -> DinoV3ConvNeXtEncoder:
        """The network, at random."""
        return DinoV3ConvNeXtEncoder(
            CONVNEXTS[self.variant], self.image_bands, self.out_indices, self.return_cls_token, self.drop_path
        )
