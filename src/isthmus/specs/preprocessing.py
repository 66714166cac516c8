"""What is done to images before a model sees them: `Preprocessing`, fitted once and kept with the model."""

from collections.abc import Mapping
from dataclasses import dataclass

from isthmus.errors import ArgumentError
from isthmus.specs.plain import PlainData


@dataclass(frozen=True, slots=True, kw_only=True)
class BandScaling(PlainData):
    """How the bands of one modality become the channels of a model.

    A pixel is read, multiplied by `scale`, replaced by the fill of its band where it is missing, and taken as multiples
    of the standard deviation around the mean.

    Attributes:
        bands: the bands that are read, by name, in the order of the channels; None where they have no names.
        scale: what every pixel is multiplied by, as from digital numbers to reflectance.
        means: the mean of each band, after `scale`; None where images are not normalised.
        stds: the standard deviation of each band, likewise.
        fill: what missing pixels become, one number a band, after `scale`; None where none may be missing.
    """

    bands: tuple[str | int, ...] | None = None
    scale: float = 1.0
    means: tuple[float, ...] | None = None
    stds: tuple[float, ...] | None = None
    fill: tuple[float, ...] | float | None = None

    def __post_init__(self) -> None:
        if (self.means is None) != (self.stds is None):
            given, missing = ("stds", "means") if self.means is None else ("means", "stds")
            raise ArgumentError(f"{given} is given without {missing}; normalisation needs both", argument=missing)
        for name in ("means", "stds"):
            values = getattr(self, name)
            if values is not None and self.bands is not None and len(values) != len(self.bands):
                raise ArgumentError(
                    f"{name} has {len(values)} value(s), but an image has {len(self.bands)} band(s): "
                    f"{list(self.bands)}",
                    argument=name,
                )
        if self.means is not None and self.stds is not None and len(self.means) != len(self.stds):
            raise ArgumentError(
                f"means has {len(self.means)} value(s) and stds {len(self.stds)}; one of each per band was expected",
                argument="stds",
            )
        wrong = [index for index, std in enumerate(self.stds or ()) if not std > 0]
        if wrong:
            raise ArgumentError(
                f"stds must be above 0, but is {(self.stds or ())[wrong[0]]} for band {wrong[0]}", argument="stds"
            )


@dataclass(frozen=True, slots=True)
class Preprocessing(PlainData):
    """What is done to the images of each modality before a model sees them.

    Attributes:
        modalities: by modality; the only one of a model is called "image".
    """

    modalities: Mapping[str, BandScaling]
