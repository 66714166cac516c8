"""Dates and places of images: from tables and from georeferences, into batches and models."""

import datetime

import numpy as np
import pytest
import rasterio
import torch
from hypothesis import given
from hypothesis import strategies as st
from rasterio.crs import CRS
from rasterio.transform import Affine

from isthmus.config.check import check_config
from isthmus.datamodules import GenericNonGeoSegmentationDataModule
from isthmus.datasets.metadata import parse_date
from isthmus.errors import DataError
from isthmus.models import EncoderDecoderFactory

BANDS = ["RED", "GREEN"]


def write_chips(folder, names=("a", "b"), steps=1, crs="EPSG:32736", size=16):
    """Chips of 16 x 16 pixels of 10 m, the first with its corner in the middle of UTM zone 36 south."""
    for kind, count in (("images", len(BANDS) * steps), ("masks", 1)):
        (folder / kind).mkdir(exist_ok=True)
        for index, name in enumerate(names):
            where = {"transform": Affine(10, 0, 500000 + 160 * index, 0, -10, 9000000), "crs": crs} if crs else {}
            profile = {"driver": "GTiff", "width": size, "height": size, "count": count, "dtype": "uint8", **where}
            with rasterio.open(folder / kind / f"{name}.tif", "w", **profile) as file:
                file.write(np.full((count, size, size), index, np.uint8))
    return folder


def arguments(folder, metadata, **kwargs):
    return {
        "batch_size": 2,
        "num_workers": 0,
        "num_classes": 2,
        "train_data_root": str(folder / "images"),
        "train_label_data_root": str(folder / "masks"),
        "dataset_bands": BANDS,
        "metadata": metadata,
        **kwargs,
    }


def batch_of(folder, metadata, **kwargs):
    module = GenericNonGeoSegmentationDataModule(**arguments(folder, metadata, **kwargs))
    module.setup("fit")
    return next(iter(module.train_dataloader()))


def table(folder, text):
    path = folder / "dates.csv"
    path.write_text(text)
    return str(path)


pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")


def test_dates_and_places_of_a_table_in_a_batch(tmp_path):
    write_chips(tmp_path)
    batch = batch_of(
        tmp_path, table(tmp_path, "filename,date,lat,lon\nb.tif,2020-12-31,-9.5,33\na,2019-032,10,-70.25\n")
    )
    by_name = {name[-5]: index for index, name in enumerate(batch["filename"])}
    assert batch["temporal_coords"].dtype == torch.float32
    assert batch["temporal_coords"][by_name["a"]].tolist() == [[2019, 32]]
    assert batch["temporal_coords"][by_name["b"]].tolist() == [[2020, 366]]
    assert batch["location_coords"][by_name["a"]].tolist() == [10, -70.25]


def test_dates_of_a_series_and_places_of_georeferences(tmp_path):
    write_chips(tmp_path, steps=3)
    dates = table(tmp_path, "ID,Dates\na,20180126; 20180211;20180314T101500\nb,2018026;2018042;2018073\n")
    batch = batch_of(tmp_path, [dates, "georeference"], expand_temporal_dimension=True)
    assert batch["image"].shape == (2, 2, 3, 16, 16)
    assert batch["temporal_coords"].tolist() == [[[2018, 26], [2018, 42], [2018, 73]]] * 2
    by_name = {name[-5]: index for index, name in enumerate(batch["filename"])}
    latitude, longitude = batch["location_coords"][by_name["a"]].tolist()
    # Half a chip from the corner: 80 m east of 33 degrees, and 80 m south, at 1/111,000 of a degree a metre.
    assert longitude == pytest.approx(33 + 80 / 111320 / np.cos(np.radians(9.05)), abs=2e-5)
    assert latitude == pytest.approx(-9.0467, abs=1e-3)
    assert batch["location_coords"][by_name["b"]][1] > longitude


def test_the_model_is_given_them(tmp_path):
    write_chips(tmp_path)
    batch = batch_of(tmp_path, [table(tmp_path, "filename,date\na,2019-01-01\nb,2020-07-01\n"), "georeference"])
    model = (
        EncoderDecoderFactory()
        .build_model(
            "segmentation",
            "prithvi_eo_v2_tiny_tl",
            "FCNDecoder",
            num_classes=2,
            necks="auto",
            backbone_kwargs={"bands": BANDS, "depth": 1, "embed_dim": 32, "num_heads": 2, "img_size": 16},
        )
        .eval()
    )
    with torch.no_grad():
        told = model(batch["image"], **{key: batch[key] for key in ("temporal_coords", "location_coords")}).output
        assert not torch.allclose(told, model(batch["image"]).output)


@given(st.dates(min_value=datetime.date(1970, 1, 1)))
def test_every_way_to_write_a_date(date):
    for form in ("%Y-%m-%d", "%Y%m%d", "%Y-%j", "%Y%j", "%Y-%m-%dT10:11:12"):
        assert parse_date(date.strftime(form), "") == (date.year, date.timetuple().tm_yday)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("filename,day\na,2019-01-01\n", "has the columns filename, day; expected filename, and date, or lat and lon"),
        ("filename,date\na,2019-13-01\nb,2019-01-01\n", "line 2: '2019-13-01' is no date"),
        ("filename,date\na,2019-400\nb,2019-01-01\n", "line 2: '2019-400' is no date"),
        ("filename,lat,lon\na,100,20\nb,1,1\n", "line 2: latitude 100.0 and longitude 20.0 are not within"),
        ("filename,lat,lon\na,,20\nb,1,1\n", "line 2: '', '20' are no latitude and longitude"),
        ("filename,date\na,2019-01-01\na,2019-01-01\n", "line 3: there is a row for 'a' already"),
        ("filename,date\na,2019-01-01\n", "no row for .*b.tif"),
        (
            "filename,date\na,2019-01-01;2019-01-02\nb,2019-01-01\n",
            r"has 2 date\(s\) for .*a.tif, which has 1 time step",
        ),
        ("filename,date\n", "has no rows"),
        (None, "cannot be read"),
    ],
)
def test_mistakes_in_a_table(tmp_path, text, message):
    write_chips(tmp_path)
    path = str(tmp_path / "nowhere.csv") if text is None else table(tmp_path, text)
    with pytest.raises(DataError, match=message):
        batch_of(tmp_path, path)
    (fault,) = check_config(config(tmp_path, path), "fit")
    assert fault.key == "data.init_args.metadata"


def test_an_image_without_a_georeference(tmp_path):
    write_chips(tmp_path, crs=None)
    with pytest.raises(DataError, match="is not georeferenced; give a table"):
        batch_of(tmp_path, "georeference")
    (fault,) = check_config(config(tmp_path, "georeference"), "fit")
    assert fault.key == "data.init_args.metadata"


def test_a_georeference_in_degrees(tmp_path):
    write_chips(tmp_path, crs=CRS.from_epsg(32633))
    assert not check_config(config(tmp_path, "georeference"), "fit")


def config(folder, metadata):
    return {
        "model": {
            "class_path": "isthmus.tasks.SemanticSegmentationTask",
            "init_args": {
                "model_factory": "EncoderDecoderFactory",
                "model_args": {
                    "backbone": "prithvi_eo_v2_tiny_tl",
                    "backbone_bands": BANDS,
                    "necks": "auto",
                    "decoder": "FCNDecoder",
                    "num_classes": 2,
                },
            },
        },
        "data": {
            "class_path": "isthmus.datamodules.GenericNonGeoSegmentationDataModule",
            "init_args": arguments(folder, metadata),
        },
    }
