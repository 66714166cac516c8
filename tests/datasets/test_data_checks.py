import subprocess
import sys

import numpy as np
import pytest
from drawn_chips import write_chips, write_raster

from isthmus.datasets.labels import SegmentationSource


@pytest.fixture
def arguments(tmp_path):
    return {**write_chips(tmp_path), "num_classes": 2, "batch_size": 2, "num_workers": 0}


def test_nothing_is_wrong(arguments):
    assert SegmentationSource.check(arguments) == []
    assert SegmentationSource.check({}) == []


def faults_of(arguments, **changes):
    return {fault.key: fault.message for fault in SegmentationSource.check({**arguments, **changes})}


def test_every_fault_is_told_at_once(arguments, tmp_path):
    (tmp_path / "split.txt").write_text("chip_77\n")
    write_raster(tmp_path / "images/chip_0.tif", np.zeros((5, 8, 8), "int16"))
    faults = faults_of(
        arguments,
        val_data_root=str(tmp_path / "nowhere"),
        test_split=str(tmp_path / "split.txt"),
        dataset_bands=["A", "B", "C"],
        means=[1, 2],
        stds=[1, 2, 0],
        class_names=["x"],
        batch_size=9,
    )
    assert set(faults) == {
        "means",
        "stds",
        "class_names",
        "batch_size",
        "train_data_root",
        "val_data_root",
        "test_split",
    }
    assert "chip_0.tif has 5 band(s), but dataset_bands names 3" in faults["train_data_root"]
    assert "chip_77" in faults["test_split"]
    assert "nowhere is not a folder" in faults["val_data_root"]


@pytest.mark.parametrize(
    ("changes", "key", "said"),
    [
        ({"output_bands": ["A"]}, "output_bands", "without dataset_bands"),
        ({"dataset_bands": ["A", "B", "C"], "output_bands": ["D"]}, "output_bands", "asks for 'D'"),
        ({"num_classes": 0}, "num_classes", "at least 1"),
        ({"means": [1.0, 1.0, 1.0]}, "stds", "normalisation needs both"),
        ({"means": "none.txt", "stds": [1.0]}, "means", "no file that can be read"),
        ({"label_grep": "*.png"}, "train_data_root", "no file in"),
        ({"train_split": "gone.txt"}, "train_split", "gone.txt cannot be read"),
        ({"predict_data_root": "gone"}, "predict_data_root", "gone is not a folder"),
        ({"predict_output_bands": ["A"]}, "predict_output_bands", "without dataset_bands"),
    ],
)
def test_faults_and_their_keys(arguments, changes, key, said):
    assert said in faults_of(arguments, **changes)[key]


def test_labels_outside_the_classes(arguments):
    faults = SegmentationSource.check({**arguments, "num_classes": 1})
    assert {fault.key for fault in faults} == {"num_classes"}
    assert "labels/chip_0.tif has" in faults[0].message
    assert "(and 3 more of the 4 labels read)" in faults[0].message


def test_pixels_without_a_label_blame_what_says_what_becomes_of_them(arguments, tmp_path):
    write_raster(tmp_path / "labels/chip_2.tif", np.full((8, 8), 7, "uint8"), nodata=7)
    assert "without a label" in faults_of(arguments)["no_label_replace"]
    assert faults_of(arguments, no_label_replace=-1) == {}


def test_odd_sizes_and_pairs(arguments, tmp_path):
    write_raster(tmp_path / "images/chip_1.tif", np.zeros((3, 8, 9), "int16"))
    write_raster(tmp_path / "labels/chip_1.tif", np.zeros((8, 9), "uint8"))
    assert "images/chip_1.tif is 8 x 9 pixels" in faults_of(arguments)["train_data_root"]
    assert faults_of(arguments, batch_size=1) == {}
    assert faults_of(arguments, train_transform=[{}], val_transform=[{}], test_transform=[{}]) == {}
    write_raster(tmp_path / "labels/chip_1.tif", np.zeros((8, 8), "uint8"))
    assert "its label" in faults_of(arguments, batch_size=1)["train_data_root"]
    (tmp_path / "labels/chip_1.tif").unlink()
    assert "images/chip_1.tif" in faults_of(arguments)["train_data_root"]


def test_files_that_are_damaged(arguments, tmp_path):
    (tmp_path / "images/chip_1.tif").write_bytes(b"")
    (tmp_path / "labels/chip_2.tif").write_text("no")
    messages = [fault.message for fault in SegmentationSource.check(arguments, ["train"])]
    assert len(messages) == 2
    assert "chip_1.tif is empty" in messages[0]
    assert "labels/chip_2.tif cannot be read" in messages[1]


def test_values_of_a_wrong_type_are_left_to_the_check_of_types(arguments):
    assert faults_of(arguments, batch_size="8", num_classes="2", means=["a"], stds=["b"]) == {}


def test_stages_that_are_needed_and_not_given(arguments):
    del arguments["val_data_root"]
    assert [fault.key for fault in SegmentationSource.check(arguments, ["val"])] == ["val_data_root"]
    assert SegmentationSource.check(arguments, ["train", "val"]) == []  # one may train without


def test_no_torch(arguments):
    code = (
        "import sys; from isthmus.datasets.choice import source_of;"
        "from isthmus.statistics import statistics_from_config;"
        f"a = {arguments!r}; source = source_of('GenericNonGeoSegmentationDataModule', a);"
        "assert source.check(a) == []; statistics_from_config('GenericNonGeoSegmentationDataModule', a); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.real
def test_the_flood_chips(shared):
    root = shared / "data/hls_flood"
    arguments = {"num_classes": 2, "batch_size": 8, "dataset_bands": list(range(12))}
    for stage in ("train", "val", "test"):
        arguments |= {
            f"{stage}_data_root": root / "images",
            f"{stage}_label_data_root": root / "masks",
            f"{stage}_split": root / "splits.csv",
        }
    assert SegmentationSource.check(arguments) == []
