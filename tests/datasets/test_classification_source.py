import re
from pathlib import Path

import pytest
from drawn_keypoints import write_csv
from drawn_labels import CLASSES, draw, write_folders, write_table

from isthmus.datasets.class_labels import LabelledImage, find_classes, whole_number
from isthmus.datasets.classification_source import ClassificationSource
from isthmus.errors import ArgumentError, LabelError


def source(arguments, **changes):
    return ClassificationSource.from_arguments({**arguments, **changes})


def faults(arguments, stages=("train", "val"), **changes):
    found = ClassificationSource.check({"batch_size": 2, **arguments, **changes}, stages)
    return {fault.key: fault.message for fault in found}


def found(data, stage):
    return [(sample.image.name, sample.index) for sample in data.samples(stage)]


def test_a_folder_for_each_class(tmp_path):
    data = source(write_folders(tmp_path))
    assert [index for _, index in found(data, "train")] == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert data.told() == {"num_classes": 3, "class_names": list(CLASSES)}
    assert (data.has("train"), data.has("predict")) == (True, False)
    assert faults(write_folders(tmp_path), ["train", "val", "test"]) == {}


def test_names_of_classes_fix_their_order(tmp_path):
    data = source(write_folders(tmp_path), class_names=["wood", "field", "lake"])
    assert [index for _, index in found(data, "val")] == [1, 1, 2, 2, 0, 0]
    assert data.told()["class_names"] == ["wood", "field", "lake"]


def test_one_folder_with_a_split_file_for_each_stage(tmp_path):
    write_folders(tmp_path, (("all", 3),))
    arguments = {"data_root": str(tmp_path / "all")}
    for stage, number in (("train", 1), ("val", 2)):
        (tmp_path / f"{stage}.txt").write_text("".join(f"{name}/{number}.png\n" for name in CLASSES))
        arguments[f"{stage}_split"] = str(tmp_path / f"{stage}.txt")
    assert faults(arguments) == {}
    data = source(arguments)
    assert found(data, "val") == [("2.png", 0), ("2.png", 1), ("2.png", 2)]
    assert not data.has("test")
    assert "give test_split or test_data_root" in faults(arguments, ["test"])["test_split"]
    (tmp_path / "val.txt").write_text("feld/2\n")
    assert "match no sample: 'feld/2'" in faults(arguments)["val_split"]


@pytest.mark.parametrize("header", [("image", "label", "split"), ("file", "class", "split"), ("id", "label", "split")])
def test_a_table(tmp_path, header):
    arguments = write_table(tmp_path, header=header)
    assert faults(arguments, ["train", "val", "test"]) == {}
    data = source(arguments)
    assert found(data, "val") == [("field_2.png", 0), ("lake_2.png", 1), ("wood_2.png", 2)]
    assert data.told() == {"num_classes": 3, "class_names": list(CLASSES)}


def test_splits_by_other_names(tmp_path):
    arguments = write_table(tmp_path, splits=("a", "b"), header=("file", "class", "part"))
    names = {"split_column": "part", "split_names": {"train": "a", "val": "b"}}
    assert len(source(arguments, **names).samples("val")) == 3
    assert not source(arguments, **names).has("test")
    assert "did you mean 'part'" in faults(arguments, split_column="parts")["labels"]
    unknown = faults(arguments, ["val"], split_column="part", split_names={"val": "c"})
    assert "in the split 'c'; there are 'a' (3)" in unknown["labels"]
    assert "did you mean 'val'" in faults(arguments, split_names={"vel": "a"})["split_names"]


def test_labels_that_are_numbers(tmp_path):
    arguments = write_table(tmp_path, labels=("0", "2", "1"))
    data = source(arguments)
    assert found(data, "val") == [("0_2.png", 0), ("2_2.png", 2), ("1_2.png", 1)]
    assert data.told() == {"num_classes": 3}
    named = source(arguments, class_names=list(CLASSES))
    assert found(named, "val")[1] == ("2_2.png", 2)
    assert "of the class 3" in faults(arguments, num_classes=4)["num_classes"]
    assert "'2' is no class; there are 2 classes, from 0" in faults(arguments, num_classes=2)["labels"]


def test_a_table_with_split_files(tmp_path):
    arguments = write_table(tmp_path, header=("file", "class"))
    said = faults(arguments)
    assert "give train_split, or the table a column 'split'" in said["train_split"]
    (tmp_path / "train.txt").write_text("".join(f"{name}_1\n" for name in CLASSES))
    assert found(source(arguments, train_split=str(tmp_path / "train.txt")), "train")[0] == ("field_1.png", 0)


def test_images_to_predict_lie_at_any_depth(tmp_path):
    write_folders(tmp_path)
    data = source({"predict_data_root": str(tmp_path / "test"), "img_grep": "*.png"})
    assert len(data.samples("predict")) == 6
    assert list(data.readers("predict")) == ["image"]
    assert data.told() == {}
    with pytest.raises(ArgumentError, match="train_data_root is not given"):
        data.samples("train")


@pytest.mark.parametrize(
    ("changes", "key", "said"),
    [
        ({"class_names": ["field", "lake", "woods"]}, "train_data_root", "'wood' is no class; .*did you mean 'woods'"),
        ({"class_names": [*CLASSES, "town"]}, "class_names", "no image to train on is of the class town"),
        ({"class_names": ["field", "field", "wood"]}, "class_names", "a name twice"),
        ({"num_classes": 4}, "num_classes", "is 4, but there are 3 classes"),
        ({"val_data_root": "nowhere"}, "val_data_root", "nowhere is not a folder"),
        ({"img_grep": "*.jpg"}, "train_data_root", "no file in .*field matches"),
        ({"labels": "labels.csv"}, "train_data_root", "is given beside labels"),
    ],
)
def test_faults_of_folders(tmp_path, changes, key, said):
    found = faults(write_folders(tmp_path), **changes)
    assert re.search(said, found[key]), found


def test_a_folder_that_is_no_class_is_named(tmp_path):
    arguments = write_folders(tmp_path)
    draw(tmp_path / "val/woood/1.png", 0)
    assert "woood: 'woood' is no class" in faults(arguments)["val_data_root"]
    assert "did you mean 'wood'" in faults(arguments)["val_data_root"]
    (tmp_path / "empty").mkdir()
    assert "has no folders" in faults(arguments, train_data_root=str(tmp_path / "empty"))["train_data_root"]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([["field_0.png", "field", "train"], ["gone.png", "lake", "train"]], "1 image(s) that are not in"),
        ([["field_0.png", "field", "train"], ["lake_0.png", "lake", "train"]], "1 image(s) have no row in"),
        ([["field_0.png", "field", "train"], ["field_0.png", "lake", "train"]], "which has a row already: 2"),
        ([["field_0.png", "", "train"]], "row 2, column 'class' is empty"),
        ([["field_0.png", "field"]], "row 2 has 2 cell(s)"),
        ([], "has no rows"),
    ],
)
def test_faults_of_tables(tmp_path, rows, said):
    arguments = write_table(tmp_path, splits=("train",))
    write_csv(tmp_path / "labels.csv", ["file", "class", "split"], rows)
    assert said in faults(arguments, ["train"])["labels"]


def test_more_faults_of_tables(tmp_path):
    arguments = write_table(tmp_path)
    assert "cannot be read" in faults(arguments, labels="nowhere.csv")["labels"]
    assert "nowhere is not a folder" in faults(arguments, data_root="nowhere")["labels"]
    said = faults(arguments, class_names=["field", "lake", "woods"])
    assert "labels.csv, row 12: 'wood' is no class" in said["labels"]
    write_csv(tmp_path / "labels.csv", ["file", "klass"], [["field_0.png", "field"]])
    assert "no column 'label' or 'class'; its columns are file, klass" in faults(arguments)["labels"]


def test_images_that_the_pattern_leaves_out_need_no_row(tmp_path):
    arguments = write_table(tmp_path)
    draw(tmp_path / "images/preview.tif", 0)
    assert "preview.tif" in faults(arguments)["labels"]
    assert faults(arguments, img_grep="*.png") == {}


def test_whole_numbers():
    assert [whole_number(text) for text in ("3", "3.0", "-1", "3.5", "nan", "inf", "a", "")] == [3, 3, -1, *[None] * 5]
    classes = find_classes(["-1", "0", "4"], None, None, numbered=True)
    assert classes.count == 5
    with pytest.raises(LabelError, match="'-1' is no class"):
        classes.index(LabelledImage("a", Path("a.png"), "-1", "row 2"))
