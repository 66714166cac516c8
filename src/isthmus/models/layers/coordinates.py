"""The encodings of when and where an image was taken, as in Prithvi-EO-2.0 (arXiv 2412.02732, section 3)."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from isthmus.models.layers.dates import check_dates, check_places
from isthmus.models.layers.sincos import sincos_1d


class CoordinateEncoder(nn.Module):
    """Embeds a pair of numbers: half of the channels for the first, half for the second, times one common scale.

    The pair is (year, day of the year) for a date and (latitude, longitude) in degrees for a place.

    Args:
        channels: the size of a token.
        learned_scale: whether the scale is trained, beginning at 0.1; otherwise it stays at one.
    """

    def __init__(self, channels: int, *, learned_scale: bool) -> None:
        super().__init__()
        self.channels = channels
        if learned_scale:
            self.scale = nn.Parameter(torch.full((1,), 0.1))
        else:
            self.register_buffer("scale", torch.ones(1))

    def forward(self, pairs: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch channels"]:
        """Embed pairs of numbers."""
        first = self.channels // 2
        halves = [sincos_1d(pairs[..., 0], first), sincos_1d(pairs[..., 1], self.channels - first)]
        return self.scale * torch.cat(halves, dim=-1)


def add_coordinates(
    patches: Float[Tensor, "batch time height width channels"],
    times: CoordinateEncoder | None,
    places: CoordinateEncoder | None,
    temporal_coords: Float[Tensor, "*dates"] | None,
    location_coords: Float[Tensor, "*places"] | None,
) -> Float[Tensor, "batch time height width channels"]:
    """Add to tokens the encodings of when and where they were taken, as far as both an encoder and numbers are there.

    Args:
        patches: the tokens, one time step per frame.
        times: encodes dates.
        places: encodes places.
        temporal_coords: `(B, T, 2)`, the year and the day of the year of each frame.
        location_coords: `(B, 2)`, latitude and longitude in degrees.

    Raises:
        ShapeError: coordinates of another shape.
    """
    batch, frames = patches.shape[:2]
    if times is not None and temporal_coords is not None:
        check_dates(temporal_coords, batch, frames)
        patches = patches + times(temporal_coords.float())[:, :, None, None, :].to(patches.dtype)
    if places is not None and location_coords is not None:
        check_places(location_coords, batch)
        patches = patches + places(location_coords.float())[:, None, None, None, :].to(patches.dtype)
    return patches
