"""The first layer of one modality of an encoder, fitted to the bands of the images."""

from collections.abc import Sequence
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from isthmus.bands import expand_bands
from isthmus.errors import WeightsError
from isthmus.weights.bands import fit_bands


@dataclass(frozen=True, slots=True)
class FirstLayer:
    """The bands behind a parameter that has a slice for each.

    Attributes:
        bands: the bands of the images, in order.
        pretrained_bands: the bands that the weights were made for.
        bands_last: whether the second axis holds all pixels of a patch, and for each of them its bands beside each
            other, `(channels, pixels x bands)`. Otherwise it is that of the bands, `(channels, bands, *patch)`.
    """

    bands: Sequence[str | int | Sequence[int]]
    pretrained_bands: Sequence[str | int | Sequence[int]]
    bands_last: bool = False

    def fit(
        self,
        weight: Float[Tensor, "channels *patch"],
        own: Float[Tensor, "own_channels *own_patch"],
        source: str,
        new_bands: str | None = None,
    ) -> tuple[Float[Tensor, "channels *new_patch"], str | None]:
        """Make the weights for the bands of the images from those for other bands; see `fit_bands`.

        Args:
            weight: the pretrained weights.
            own: the untrained ones.
            source: the file, for errors.
            new_bands: what bands without a slice start from, "mean" or "random".

        Raises:
            WeightsError: sizes that do not fit, or no band in common and no `new_bands`.
        """
        known, bands = expand_bands(self.pretrained_bands), expand_bands(self.bands)
        if not self.bands_last:
            return fit_bands(weight, known, bands, own, source, new_bands)
        pixels = own.shape[1] // len(bands)
        if weight.ndim != 2 or weight.shape[1] % pixels:
            raise WeightsError(
                f"{source}: a first layer has the shape {tuple(weight.shape)}, which is that of another model: "
                f"{pixels} pixels of a patch times the number of bands were expected in the second place"
            )
        planes, own_planes = (each.unflatten(1, (pixels, -1)).transpose(1, 2) for each in (weight, own))
        fitted, how = fit_bands(planes, known, bands, own_planes, source, new_bands)
        return fitted.transpose(1, 2).flatten(1), how
