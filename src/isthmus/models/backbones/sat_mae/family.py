"""How an encoder of SatMAE is built."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from isthmus.errors import ArgumentError
from isthmus.models.backbones.family import BandedFamily, FittedFamily, PromptedFamily
from isthmus.models.backbones.sat_mae.catalog import CHANNEL_GROUPS, VARIANTS
from isthmus.models.backbones.sat_mae.network import GroupedSatMAEEncoder, SatMAEEncoder, TemporalSatMAEEncoder
from isthmus.weights.adapter import Adapter
from isthmus.weights.first_layer import FirstLayer

PUBLISHED = Adapter(
    "patch_embed.proj.weight",
    renames={"fc_norm.": None, "head.": None},  # of the classifier
    first_layer="patch_embed.proj.weight",
    positions={"pos_embed": 1},
)


@dataclass(frozen=True, kw_only=True)
class SatMAE(PromptedFamily, BandedFamily, FittedFamily):
    """SatMAE for single images or for time series.

    Args:
        num_frames: the images of a time series, for a temporal variant; 3 by default.
    """

    num_frames: int | None = None

    published = PUBLISHED

    def network(self) -> SatMAEEncoder | TemporalSatMAEEncoder:
        """The network, at random."""
        sizes, frames = VARIANTS[self.variant], self.num_frames
        config = self.vit(self.image_bands, sizes)
        if sizes.num_frames is not None:
            return TemporalSatMAEEncoder(config, sizes.num_frames if frames is None else frames)
        if frames is not None:
            raise ArgumentError(
                f"num_frames is {frames}, but {self.variant} takes single images: leave it out", argument="num_frames"
            )
        return SatMAEEncoder(config)


@dataclass(frozen=True, kw_only=True)
class GroupedSatMAE(PromptedFamily, BandedFamily):
    """SatMAE for multispectral images, whose bands are in groups.

    Args:
        channel_groups: the groups of bands. To take a band that the weights do not know, put it into one of the three.
        new_bands: what bands that the weights do not know start from: "mean", the mean over the bands of their group,
            or "random". By default "mean", and an error where the weights know none of the bands of a group.
    """

    channel_groups: Sequence[Sequence[str | int]] = CHANNEL_GROUPS
    new_bands: str | None = None

    published = replace(PUBLISHED, anchor="patch_embed.0.proj.weight", first_layer=None)

    def network(self) -> GroupedSatMAEEncoder:
        """The network, at random."""
        return GroupedSatMAEEncoder(self.vit(self.image_bands, VARIANTS[self.variant]), self.channel_groups)

    def first_layer(self) -> dict[str, Any]:
        """How the first layers of the weights are fitted, as `build_with_weights` takes it."""
        return {"new_bands": self.new_bands}

    def adapter(self) -> Adapter:
        """What the published files look like beside the network: a first layer for each group."""
        bands = self.image_bands
        layers = {
            f"patch_embed.{number}.proj.weight": FirstLayer([band for band in bands if band in group], known)
            for number, (group, known) in enumerate(zip(self.channel_groups, CHANNEL_GROUPS, strict=False))
            if any(band in group for band in bands)
        }
        return replace(super().adapter(), first_layers=layers)
