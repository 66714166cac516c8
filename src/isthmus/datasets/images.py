"""Images as arrays: the wanted bands, scaled, with NaN where there are no data."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from isthmus.datasets.bands import BandSelection
from isthmus.rasters.header import open_pixels
from isthmus.rasters.read import pixels_of


@dataclass(frozen=True, slots=True)
class ImageReader:
    """How the file of an image is read.

    Attributes:
        bands: which bands of the file become channels.
        scale: what every pixel is multiplied by, as from digital numbers to reflectance.
    """

    bands: BandSelection
    scale: float = 1.0

    def read(self, path: Path) -> npt.NDArray[np.float32]:
        """Read an image as float32, `(channels, height, width)` or `(channels, time, height, width)`.

        Values are missing, NaN, where the file says so (nodata value, mask, NaN) and where they are infinite.

        Raises:
            RasterError: the file is missing, empty, truncated, or not a raster.
            BandError: the file has other bands than the selection says.
        """
        with open_pixels(path) as source:
            pixels = pixels_of(source, self.bands.file_indices(source.count, path))
            is_float = np.dtype(source.dtypes[0]).kind == "f"
        if is_float:
            pixels[np.isinf(pixels)] = np.nan
        if self.scale != 1.0:
            pixels *= np.float32(self.scale)
        if self.bands.temporal:
            channels = len(self.bands.names or ())
            pixels = pixels.reshape(channels, -1, *pixels.shape[-2:])
        return pixels
