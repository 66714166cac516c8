"""Patch embeddings whose weights are made from the wavelengths of the bands, as in DOFA (arXiv 2403.15356).

A small transformer reads the wavelength of every band and writes the slice of the convolution for it, so that one model
takes images of any bands, in any order. Clay uses the same idea with other details; what differs is set by arguments.
"""

from collections.abc import Callable, Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from isthmus.bands import WAVELENGTHS
from isthmus.errors import ArgumentError, ShapeError, did_you_mean

CHANNELS, LATENTS, HEADS = 128, 128, 4


class ResidualLayers(nn.Module):
    """Two linear layers, each with an activation after it, added to what came in.

    Args:
        channels: the size of what comes in and goes out.
        activation: what follows each layer.
    """

    def __init__(self, channels: int, activation: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.activation = activation
        self.l1 = nn.Linear(channels, channels)
        self.l2 = nn.Linear(channels, channels)

    def forward(self, x: Float[Tensor, "bands channels"]) -> Float[Tensor, "bands channels"]:
        """Apply the layers to every band by itself."""
        return x + self.activation(self.l2(self.activation(self.l1(x))))


class WeightGenerator(nn.Module):
    """Writes the weights of a convolution, a slice per band, and its bias.

    The bands attend to each other, to 128 learned tokens and to one for the bias.

    Args:
        out_channels: the channels that the convolution gives.
        weights_per_band: the size of the slice of a band.
    """

    def __init__(self, out_channels: int, weights_per_band: int) -> None:
        super().__init__()
        self.weight_tokens = nn.Parameter(torch.empty(LATENTS, CHANNELS))
        self.bias_token = nn.Parameter(torch.empty(1, CHANNELS))
        nn.init.normal_(self.weight_tokens, std=0.02)
        nn.init.normal_(self.bias_token, std=0.02)
        layer = nn.TransformerEncoderLayer(CHANNELS, HEADS, dropout=0.0, activation="gelu")
        self.encoder = nn.TransformerEncoder(layer, num_layers=1, enable_nested_tensor=False)
        self.fc_weight = nn.Linear(CHANNELS, weights_per_band)
        self.fc_bias = nn.Linear(CHANNELS, out_channels)

    def forward(
        self, bands: Float[Tensor, "bands channels"]
    ) -> tuple[Float[Tensor, "bands weights"], Float[Tensor, "out_channels"]]:
        """The weights of every band and the bias, from the embeddings of the bands."""
        mixed = self.encoder(torch.cat([self.weight_tokens, bands, self.bias_token]))
        return self.fc_weight(mixed[LATENTS:-1] + bands), self.fc_bias(mixed[-1])


def wavelengths_of(
    bands: Sequence[str | int], given: Sequence[float] | None, table: Mapping[str, float] = WAVELENGTHS
) -> list[float]:
    """The wavelength of every band in micrometres: as it was given, or by the name of the band.

    Args:
        bands: names or integers.
        given: a wavelength per band; None to look all of them up.
        table: the wavelengths by the names of the bands.

    Raises:
        ArgumentError: another number of wavelengths than of bands, one that is not positive, or a band that the table
            does not have.
    """
    if given is not None:
        if len(given) != len(bands) or any(not wavelength > 0 for wavelength in given):
            raise ArgumentError(
                f"wavelengths is {list(given)}: a positive number of micrometres was expected for each of "
                f"{len(bands)} band(s)"
            )
        return [float(wavelength) for wavelength in given]
    for band in bands:
        if band not in table:
            hint = did_you_mean(band, table) if isinstance(band, str) else ""
            raise ArgumentError(
                f"the wavelength of the band {band!r} is not known{hint or '.'} Give the wavelengths of all bands as "
                "wavelengths, in micrometres"
            )
    return [table[str(band)] for band in bands]


def as_wavelengths(given: Tensor | Sequence[float], x: Tensor) -> Float[Tensor, "bands"]:
    """Wavelengths that came with a batch of images, on the device of the images.

    Raises:
        ShapeError: not one number per band of the images.
    """
    waves = torch.as_tensor(given, dtype=torch.float32, device=x.device)
    if waves.ndim != 1 or x.ndim != 4 or len(waves) != x.shape[1]:
        raise ShapeError(
            f"wavelengths of shape {tuple(waves.shape)} came with images of shape {tuple(x.shape)}: one number per "
            "band of images (B, C, H, W) was expected"
        )
    return waves
