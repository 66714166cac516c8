"""What a model takes: `InputSpec`, band by band and modality by modality."""

from collections.abc import Mapping
from dataclasses import dataclass

from isthmus.errors import ArgumentError
from isthmus.specs.plain import PlainData

IMAGE = "image"
"""What the only modality of a model is called, and the key of a sample that holds it."""

Size = tuple[int, int]
"""Height and width in pixels."""


@dataclass(frozen=True, slots=True)
class Modality(PlainData):
    """The images of one modality, `(B, C, H, W)` or, in a time series, `(B, C, T, H, W)`.

    Attributes:
        channels: how many bands there are.
        bands: their names in the order of the channels (numbers are places without a name); None where nobody knows.
        units: what the values are given in, such as "reflectance x 10000" or "dB"; None where nobody knows.
    """

    channels: int
    bands: tuple[str | int, ...] | None = None
    units: str | None = None

    def __post_init__(self) -> None:
        if self.bands is not None and len(self.bands) != self.channels:
            raise ArgumentError(f"{self.channels} channels are said to be {len(self.bands)} bands: {self.bands}")

    @property
    def named(self) -> tuple[str, ...] | None:
        """The names of the bands, in order; None unless every band has one."""
        names = tuple(str(band) for band in self.bands or () if isinstance(band, str))
        return names if names and len(names) == self.channels else None


@dataclass(frozen=True, slots=True, kw_only=True)
class InputSpec(PlainData):
    """What a model takes.

    Attributes:
        modalities: its images by modality; a model of a single one calls it "image" and takes the tensor itself.
        frames: how many time steps a series has; 1 for single images.
        time_axis: whether images have an axis of time, `(B, C, T, H, W)`, be it of length 1.
        image_size: the (height, width) that the model was made for; None where it takes any.
        multiple: what frames, height and width must be multiples of; None where images need no padding.
        metadata: what else of a sample it takes, as keywords: `temporal_coords`, `location_coords`, `wavelengths` ...
    """

    modalities: Mapping[str, Modality]
    frames: int = 1
    time_axis: bool = False
    image_size: tuple[int, int] | None = None
    multiple: tuple[int, int, int] | None = None
    metadata: tuple[str, ...] = ()

    @classmethod
    def of_image(
        cls,
        channels: int,
        bands: tuple[str | int, ...] | None = None,
        *,
        units: str | None = None,
        frames: int = 1,
        time_axis: bool | None = None,
        image_size: tuple[int, int] | None = None,
        multiple: tuple[int, int, int] | int | None = None,
        metadata: tuple[str, ...] = (),
    ) -> "InputSpec":
        """What a model of a single modality takes. There is a time axis where there are several frames.

        Args:
            channels: how many bands there are.
            bands: their names.
            units: of the values.
            frames: how many time steps a series has.
            time_axis: whether images have an axis of time even so.
            image_size: the (height, width) that the model was made for.
            multiple: one number for height and width, or one each for frames, height and width.
            metadata: what else of a sample it takes.
        """
        return cls(
            modalities={IMAGE: Modality(channels, bands, units)},
            frames=frames,
            time_axis=frames > 1 if time_axis is None else time_axis,
            image_size=image_size,
            multiple=(1, multiple, multiple) if isinstance(multiple, int) else multiple,
            metadata=metadata,
        )

    @property
    def is_multimodal(self) -> bool:
        """Whether a sample holds a dict of images rather than one."""
        return tuple(self.modalities) != (IMAGE,)

    @property
    def image(self) -> Modality:
        """The only modality.

        Raises:
            ArgumentError: there are several.
        """
        if self.is_multimodal:
            raise ArgumentError(f"there is no single image: the modalities are {', '.join(self.modalities)}")
        return self.modalities[IMAGE]

    def shapes(self, image_size: Size, batch_size: int = 1, frames: int | None = None) -> dict[str, tuple[int, ...]]:
        """The shape of a batch of each modality for images of (height, width)."""
        time = (frames or self.frames,) if self.time_axis else ()
        return {name: (batch_size, modality.channels, *time, *image_size) for name, modality in self.modalities.items()}

    def padded(self, image_size: Size) -> Size:
        """The size of images once they are padded to what the model takes."""
        if self.multiple is None:
            return image_size
        height, width = (-(-size // step) * step for size, step in zip(image_size, self.multiple[1:], strict=True))
        return height, width
