"""Small rasters drawn for tests."""

import warnings
from pathlib import Path

import numpy as np
import rasterio
from rasterio.errors import NotGeoreferencedWarning


def write_raster(path, pixels, nodata=None, **profile):
    """Write pixels `(bands, height, width)` or `(height, width)`; the driver follows from the ending."""
    pixels = np.asarray(pixels)
    pixels = pixels[None] if pixels.ndim == 2 else pixels
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = {"count": pixels.shape[0], "height": pixels.shape[1], "width": pixels.shape[2], "dtype": pixels.dtype.name}
    driver = {".png": "PNG"}.get(path.suffix, "GTiff")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path, "w", driver=driver, nodata=nodata, **shape, **profile) as file:
            file.write(pixels)
    return path


def write_chips(folder, count=4, bands=3, size=(8, 8), classes=2, seed=0):
    """Images `images/chip_N.tif` of int16 and labels `labels/chip_N.tif`; returns the arguments that name them."""
    random = np.random.default_rng(seed)
    for index in range(count):
        write_raster(folder / f"images/chip_{index}.tif", random.integers(1, 1000, (bands, *size)).astype("int16"))
        label = random.integers(0, classes, size).astype("uint8")
        label.flat[:classes] = np.arange(classes)
        write_raster(folder / f"labels/chip_{index}.tif", label)
    roots = {}
    for stage in ("train", "val", "test"):
        roots |= {f"{stage}_data_root": str(folder / "images"), f"{stage}_label_data_root": str(folder / "labels")}
    return roots


def write_value_chips(folder, count=4, bands=3, size=(8, 8), seed=0):
    """Images `images/chip_N.tif` and labels `labels/chip_N.tif`, float32, of two quantities that the image shows.

    The first quantity is a tenth of the first band, the second the number of the row; one pixel of the first is nodata.
    """
    random = np.random.default_rng(seed)
    for index in range(count):
        image = random.integers(1, 1000, (bands, *size)).astype("int16")
        label = np.stack([image[0] / 10, np.repeat(np.arange(size[0])[:, None], size[1], 1)]).astype("float32")
        label[0, 0, 0] = -9999
        write_raster(folder / f"images/chip_{index}.tif", image)
        write_raster(folder / f"labels/chip_{index}.tif", label, nodata=-9999)
    roots = {}
    for stage in ("train", "val", "test"):
        roots |= {f"{stage}_data_root": str(folder / "images"), f"{stage}_label_data_root": str(folder / "labels")}
    return roots
