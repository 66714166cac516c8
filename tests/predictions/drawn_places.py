"""Images on disk for predictions to lie on, and models' outputs."""

import warnings
from functools import partial
from pathlib import Path

import numpy as np
import rasterio
from rasterio.errors import NotGeoreferencedWarning
from rasterio.transform import Affine

from isthmus.predictions import Place
from isthmus.rasters.frame import read_frame

UTM = Affine(20, 0, 487740, 0, -20, 4738740)


def place_of(folder: Path, bands: np.ndarray, *, crs="EPSG:32629", transform=UTM, size=None, **profile) -> Place:
    """Write an image `(bands, height, width)` and say where its predictions go: `<folder>/out/scene_...`."""
    path = folder / "scene.tif"
    count, height, width = bands.shape
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        profile |= {"count": count, "height": height, "width": width, "dtype": bands.dtype.name}
        with rasterio.open(path, "w", driver="GTiff", crs=crs, transform=transform, **profile) as target:
            target.write(bands)
    return Place(path, size or (height, width), folder / "out/scene", partial(read_frame, path))
