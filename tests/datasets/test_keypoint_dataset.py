import logging

import numpy as np
import pytest
import torch
from drawn_chips import write_raster
from drawn_keypoints import write_csv, write_poses
from hypothesis import given
from hypothesis import strategies as st
from torchvision.transforms import v2

from isthmus.datasets import KeypointDataset
from isthmus.datasets.bands import BandSelection
from isthmus.datasets.dataset import collate
from isthmus.datasets.keypoint_files.placing import swap_order
from isthmus.datasets.keypoint_source import KeypointSource
from isthmus.datasets.locating import ImageFolder
from isthmus.datasets.readers import ImageReader
from isthmus.errors import ArgumentError, DataError, LabelError, PairingError
from isthmus.transforms import KeypointTransform, SampleTransform


def dataset(arguments, stage="train", **changes):
    source = KeypointSource.from_arguments(arguments)
    return KeypointDataset(source.samples(stage), source.images(stage)["image"], source.point_names, **changes)


def objects(folder, rows, size=(10, 12), names="abc", header=("id", "x", "y"), ending=".tif"):
    """Images of these names and `points.csv`; returns the arguments of a source that takes them all to train on."""
    for name in names:
        write_raster(folder / f"images/{name}{ending}", np.ones((2, *size), "uint8"))
    path = write_csv(folder / "points.csv", header, rows)
    return {"train_keypoints": path, "data_root": folder / "images"}


def test_a_sample(tmp_path):
    data = dataset(objects(tmp_path, [["a", 1, 2], ["a", 3.5, 4], ["b", "", ""]]))
    assert len(data) == 2
    sample = data[0]
    assert set(sample) == {"image", "keypoints", "filename"}
    assert sample["image"].shape == (2, 10, 12)
    assert sample["keypoints"].dtype == torch.float32
    assert sample["keypoints"].tolist() == [[[1, 2]], [[3.5, 4]]]
    assert sample["filename"] == data.image_files[0] == str(tmp_path / "images/a.tif")
    assert data[1]["keypoints"].shape == (0, 1, 2)


@pytest.mark.parametrize("ending", [".png", ".tif", ".webp", ".jpg"])
def test_formats_of_images(tmp_path, ending):
    pixels = np.zeros((3, 16, 16), "uint8")
    pixels[:, 4:6, 8:10] = 255
    drivers = {".webp": {"driver": "WEBP", "LOSSLESS": True}, ".jpg": {"driver": "JPEG"}}
    import warnings

    import rasterio

    (tmp_path / "images").mkdir()
    if ending in drivers:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            shape = {"count": 3, "height": 16, "width": 16, "dtype": "uint8"}
            with rasterio.open(tmp_path / f"images/a{ending}", "w", **drivers[ending], **shape) as file:
                file.write(pixels)
    else:
        write_raster(tmp_path / f"images/a{ending}", pixels)
    data = dataset(objects(tmp_path, [["a", 8.5, 4.5]], names=""))
    x, y = data[0]["keypoints"][0, 0].long().tolist()
    assert data[0]["image"][:, y, x].min() > 200


def test_bands_and_scale(tmp_path):
    arguments = {"dataset_bands": ["R", "N"], "output_bands": ["N"], "constant_scale": 0.5}
    data = dataset({**objects(tmp_path, [["a", 1, 2]]), **arguments})
    assert data[0]["image"].shape == (1, 10, 12)
    assert (data[0]["image"] == 0.5).all()


def test_points_a_little_outside_lie_on_the_edge(tmp_path):
    data = dataset(objects(tmp_path, [["a", -1.2, 10], ["b", 12, 4]]))
    assert data[0]["keypoints"].tolist() == [[[-0.5, 9.5]]]
    assert data[1]["keypoints"].tolist() == [[[11.5, 4]]]


@pytest.mark.parametrize("point", [(11, 10.6), (12.6, 9), (-1.6, 2), (3, -1.6)])
def test_points_outside_are_refused(tmp_path, point):
    data = dataset(objects(tmp_path, [["a", 1, 2], ["b", 3, 4], ["b", *point]]))
    said = rf"points\.csv, row 4 has a point at x {point[0]}, y {point[1]}, but .*b\.tif is 12 pixels wide and 10 high"
    with pytest.raises(LabelError, match=said + ".*x to the right and y down"):
        data[1]


def test_names_of_images(tmp_path, caplog):
    for name in ("a.png", "v/b.tif", "v/c.d.tif", "v/c.png.aux.xml", "two.png", "two.tif"):
        write_raster(tmp_path / "i" / name.removesuffix(".aux.xml"), np.zeros((2, 2), "uint8"))
    folder = ImageFolder(tmp_path / "i")
    expected = {
        "a": "a.png",
        "a.jpg": "a.png",
        "./a.png": "a.png",
        "v/b": "v/b.tif",
        "labeled-data/v/b.png": "v/b.tif",
        r"C:\project\v\b.tif": "v/b.tif",
        "v/c.d": "v/c.d.tif",
        "two.tif": "two.tif",
        str(tmp_path / "i/two.png"): "two.png",
        "elsewhere/a.png": "a.png",
    }
    assert {name: folder.find(name) for name in expected} == {
        name: tmp_path / "i" / file for name, file in expected.items()
    }
    assert folder.find("b.tif") is None  # folders below are not searched
    assert folder.find("v") is None
    with pytest.raises(PairingError, match=r"'two' may be any of .*two\.png, .*two\.tif"):
        folder.find("two")
    with pytest.raises(PairingError, match="nowhere is not a folder"):
        ImageFolder(tmp_path / "nowhere")


def test_images_that_are_missing_or_left_out(tmp_path, caplog):
    arguments = objects(tmp_path, [["a", 1, 2], ["aa", 3, 4], ["x", 3, 4], ["x", 4, 4]], names=("a", "ab", "bcd"))
    with pytest.raises(
        PairingError, match=r"points\.csv names 2 image\(s\) that are not in .*images: 'aa' \(row 3\), 'x"
    ):
        dataset(arguments)
    write_csv(tmp_path / "points.csv", ["id", "x", "y"], [["a", 1, 2]])
    with caplog.at_level(logging.WARNING):
        dataset(arguments)
    assert "2 image(s) are not named in" in caplog.text
    assert "ab.tif" in caplog.text
    write_csv(tmp_path / "points.csv", ["id", "x", "y"], [["a", 1, 2], ["a.tif", 1, 2]])
    with pytest.raises(PairingError, match=r"names .*a\.tif twice, as 'a' and as 'a\.tif' \(row 3\)"):
        dataset(arguments)


def split_table(folder, rows, header=("id", "split")):
    return {"split_table": write_csv(folder / "index.csv", header, rows), "keypoints": folder / "points.csv"}


def test_a_split_table_names_images_without_points(tmp_path):
    arguments = objects(tmp_path, [["a", 1, 2], ["c", 3, 4], ["c", 5, 6]], names="abcd")
    rows = [["b", "train"], ["a.tif", "train"], ["c", "val"], ["d", ""]]
    arguments = {"data_root": arguments["data_root"], **split_table(tmp_path, rows)}
    data = dataset(arguments)
    assert [sample.image.name for sample in data.samples] == ["b.tif", "a.tif"]
    assert [len(sample["keypoints"]) for sample in (data[0], data[1])] == [0, 1]
    assert len(dataset(arguments, "val")[0]["keypoints"]) == 2
    source = KeypointSource.from_arguments(arguments)
    assert [source.has(stage) for stage in ("train", "val", "test", "predict")] == [True, True, False, False]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"rows": [["a", "train"], ["x", "train"]]}, r"index\.csv names 1 image\(s\) that are not in .*'x' \(row 3\)"),
        ({"rows": [["a", "train"], ["a", "val"]]}, r"row 3 puts 'a' in the split 'val', but row 2 in 'train'"),
        ({"rows": [["a", "training"]]}, r"in the split 'train'; there are 'training' \(1\).*{train: training}"),
        ({"rows": [["a", "train"]], "header": ["id", "splt"]}, "no column 'split'; .*did you mean 'splt'"),
    ],
)
def test_what_is_wrong_with_a_split_table(tmp_path, changes, said):
    arguments = {"data_root": objects(tmp_path, [["a", 1, 2]])["data_root"], **split_table(tmp_path, **changes)}
    with pytest.raises(DataError, match=said):
        dataset(arguments)


def test_splits(tmp_path):
    arguments = write_poses(tmp_path, splits=("training", "training", "val"))
    named = {**arguments, "split_names": {"train": "training"}}
    assert [len(dataset(named, stage)) for stage in ("train", "val")] == [4, 2]
    with pytest.raises(ArgumentError, match="'training' is none of them; did you mean 'train'"):
        KeypointSource(split_names={"training": "train"})
    with pytest.raises(ArgumentError, match="neither keypoints nor test_keypoints is given"):
        dataset({"data_root": tmp_path}, "test")
    with pytest.raises(ArgumentError, match="predict_data_root is not given"):
        KeypointSource().samples("predict")
    with pytest.raises(ArgumentError, match="the points have no names"):
        _ = KeypointSource().point_names
    whole = {**objects(tmp_path / "o", [["a", 1, 2]]), "train_keypoints": None}
    with pytest.raises(ArgumentError, match=r"points\.csv has no column 'split' .* give split_table, or train_keypoin"):
        dataset({**whole, "keypoints": tmp_path / "o/points.csv"})
    with pytest.raises(DataError, match=r"have different points: \['left', 'right', 'tail'\] and \['point'\]"):
        _ = KeypointSource(
            **{**named, "val_keypoints": tmp_path / "o/points.csv", "val_data_root": tmp_path / "o/images"}
        ).point_names


def test_images_beside_the_file_of_keypoints(tmp_path):
    write_raster(tmp_path / "a.png", np.zeros((4, 4), "uint8"))
    path = write_csv(tmp_path / "CollectedData.csv", ["image", "x", "y"], [["labeled-data/v/a.png", 1, 2]])
    assert dataset({"train_keypoints": path})[0]["keypoints"].tolist() == [[[1, 2]]]


def test_pairs_of_points(tmp_path):
    assert swap_order(["a", "b", "c", "d"], [["d", "a"]]) == [3, 1, 2, 0]
    for pairs, said in (
        ([["a", "x"]], "names the point 'x'; there are a, b, c"),
        ([["a", "b"], ["b", "c"]], "names the point 'b' twice"),
        ([["a", "a"]], "two different names"),
        (["ab"], "two different names"),
    ):
        with pytest.raises(ArgumentError, match=said):
            swap_order(["a", "b", "c"], pairs)
    data = dataset(
        write_poses(tmp_path, size=(20, 30)),
        transform=v2.RandomHorizontalFlip(1.0),
        swap_pairs=[["left", "right"]],
    )
    plain = dataset(write_poses(tmp_path, size=(20, 30)))
    flipped = plain[0]["keypoints"][:, [1, 0, 2]]
    flipped[..., 0] = 29 - flipped[..., 0]
    torch.testing.assert_close(data[0]["keypoints"], flipped)


@given(st.lists(st.integers(0, 4), min_size=1, max_size=5), st.integers(1, 3))
def test_batches_hold_every_instance_and_nothing_else(counts, points):
    samples = [
        {"image": torch.zeros(1, 2, 2), "keypoints": torch.rand(count, points, 2), "filename": f"{index}"}
        for index, count in enumerate(counts)
    ]
    batch = collate(samples, ["keypoints"])
    assert batch["keypoints"].shape == (len(counts), max(counts), points, 2)
    assert batch["filename"] == [sample["filename"] for sample in samples]
    for sample, padded in zip(samples, batch["keypoints"], strict=True):
        assert torch.equal(padded[: len(sample["keypoints"])], sample["keypoints"])
        assert padded[len(sample["keypoints"]) :].isnan().all()


def test_images_of_different_sizes_make_no_batch():
    samples = [{"image": torch.zeros(1, 2, size), "filename": f"{size}.png"} for size in (2, 3)]
    with pytest.raises(DataError, match=r"2\.png is \(1, 2, 2\) .*, 3\.png is \(1, 2, 3\)\. Crop or resize"):
        collate(samples, ["keypoints"])
    assert set(collate(samples[:1], ["keypoints"])) == {"image", "filename"}


def test_an_image_reader_alone_is_enough(tmp_path):
    arguments = objects(tmp_path, [["a", 1, 2]])
    samples = KeypointSource.from_arguments(arguments).samples("train")
    assert len(KeypointDataset(samples, ImageReader(BandSelection()), ["tree"])[0]["keypoints"]) == 1


@pytest.mark.parametrize("wrapped", [SampleTransform, KeypointTransform, list])
def test_points_move_under_any_transform_of_samples(tmp_path, wrapped):
    transform = wrapped([v2.RandomHorizontalFlip(1.0)])
    data = dataset(objects(tmp_path, [["a", 2, 3]], names="a"), transform=transform)
    assert data[0]["keypoints"].tolist() == [[[9, 3]]]
