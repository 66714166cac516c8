import numpy as np
import pytest
from drawn_chips import write_raster
from drawn_keypoints import write_csv, write_poses

from isthmus.config.check import check_config
from isthmus.datasets.keypoint_source import KeypointSource


def faults(init_args, stages=("train", "val")):
    return {fault.key: fault.message for fault in KeypointSource.check(init_args, stages)}


def of_config(init_args, subcommand="fit"):
    config = {
        "data": {
            "class_path": "GenericKeypointDataModule",
            "init_args": {"batch_size": 2, "num_workers": 0, **init_args},
        }
    }
    return {f.key: f.message for f in check_config(config, subcommand) if f.key.startswith("data")}


def test_nothing_is_wrong(tmp_path):
    arguments = {
        **write_poses(tmp_path),
        "swap_pairs": [["left", "right"]],
        "split_names": {"val": "val"},
        "means": "compute",
        "stds": "compute",
        "predict_data_root": str(tmp_path / "images"),
        "train_transform": ["RandomD4", {"class_path": "RandomAffine", "init_args": {"degrees": 5}}],
    }
    for subcommand in ("fit", "validate", "test", "predict"):
        assert of_config(arguments, subcommand) == {}


def test_names_and_types_of_arguments(tmp_path):
    said = of_config({**write_poses(tmp_path), "swap_pair": [], "format": 3})
    assert "did you mean 'swap_pairs'" in said["data.init_args.swap_pair"]
    assert "data.init_args.format" in said


def test_a_validation_set_may_be_missing_where_one_trains(tmp_path):
    arguments = write_poses(tmp_path, splits=("train",))
    assert faults(arguments) == {}
    assert "in the split 'val'; there are 'train' (6)" in faults(arguments, ["val"])["keypoints"]


@pytest.mark.parametrize(
    ("changes", "key", "said"),
    [
        ({"keypoints": "nowhere.csv"}, "keypoints", "nowhere.csv does not exist"),
        ({"keypoints": None}, "keypoints", "neither keypoints nor train_keypoints"),
        ({"train_keypoints": "nowhere.csv"}, "train_keypoints", "nowhere.csv does not exist"),
        ({"data_root": "nowhere"}, "data_root", "nowhere is not a folder"),
        ({"split_table": "nowhere.csv"}, "split_table", "nowhere.csv cannot be read"),
        ({"format": "coc"}, "format", "did you mean 'coco'"),
        ({"split_names": {"training": "a"}}, "split_names", "did you mean 'train'"),
        ({"swap_pairs": [["left", "rigth"]]}, "swap_pairs", "did you mean 'right'"),
        ({"output_bands": ["R"]}, "output_bands", "without dataset_bands"),
        ({"dataset_bands": ["R", "G"]}, "data_root", "has 1 band(s), but dataset_bands names 2"),
        ({"means": [1.0]}, "stds", "is not given, but means is"),
        ({"batch_size": 9}, "batch_size", "only 4 samples to train on"),
    ],
)
def test_what_is_wrong(tmp_path, changes, key, said):
    found = faults({"batch_size": 2, **write_poses(tmp_path, count=8), **changes})
    assert said in found[key]


def test_columns_are_checked(tmp_path):
    path = write_csv(tmp_path / "a.csv", ["imge", "x", "y"], [["a", 1, 2]])
    assert "no column 'image'" in faults({"train_keypoints": str(path)})["train_keypoints"]


def test_sizes_and_points_are_checked(tmp_path):
    arguments = {"batch_size": 2, **write_poses(tmp_path, splits=("train",))}
    write_raster(tmp_path / "images/frame_2.png", np.zeros((2, 2), "uint8"))
    said = faults(arguments)
    assert "images of different sizes" in said["data_root"]
    assert "row 4 has a point at" in said["keypoints"]
    assert "frame_2.png is 2 pixels wide and 2 high" in said["keypoints"]


def test_images_to_predict_are_checked(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "images/a.png").write_bytes(b"no image")
    assert (
        "cannot be read as a raster"
        in faults({"predict_data_root": str(tmp_path / "images")}, ["predict"])["predict_data_root"]
    )
    assert "was expected" in faults({}, ["predict"])["predict_data_root"]


@pytest.mark.slow
def test_a_parser_takes_the_arguments(tmp_path):
    jsonargparse = pytest.importorskip("jsonargparse")
    from isthmus.datamodules import GenericKeypointDataModule

    parser = jsonargparse.ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(GenericKeypointDataModule, "data")
    given = {
        "batch_size": 2,
        "num_workers": 0,
        **write_poses(tmp_path),
        "split_names": {"val": "validation"},
        "swap_pairs": [["left", "right"]],
        "train_transform": [{"class_path": "isthmus.transforms.RandomD4"}],
    }
    build = getattr(parser, "instantiate", None) or parser.instantiate_classes  # its name before
    built = build(parser.parse_object({"data": given})).data
    assert built.point_names == ["left", "right", "tail"]
    assert built.swap_pairs == [["left", "right"]]
