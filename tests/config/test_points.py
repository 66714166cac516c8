"""Points of a task that contradict its model or its data, found without torch."""

import pytest

from isthmus.config.check import check_config

TABLE = "image,split,nose_x,nose_y,tail_x,tail_y\na.png,train,1,1,2,2\n"


def config(folder, **task):
    (folder / "keypoints.csv").write_text(TABLE)
    (folder / "a.png").touch()
    init = {"model_factory": "EncoderDecoderFactory", "point_names": ["nose", "tail"], **task}
    init.setdefault("model_args", {"backbone": "timm_resnet18", "decoder": "IdentityDecoder"})
    data = {"batch_size": 2, "num_workers": 0, "keypoints": str(folder / "keypoints.csv")}
    return {
        "model": {"class_path": "KeypointTask", "init_args": init},
        "data": {"class_path": "GenericKeypointDataModule", "init_args": data},
    }


def faults(*args, **kwargs):
    return {fault.key: fault.message for fault in check_config(config(*args, **kwargs)) if "data" not in fault.key[:4]}


def test_no_fault(tmp_path):
    assert faults(tmp_path) == {}


@pytest.mark.parametrize(("offsets", "maps"), [(False, 2), (True, 6)])
def test_as_many_maps_as_points_need(tmp_path, offsets, maps):
    for count in (maps, 4):
        arguments = {"backbone": "timm_resnet18", "decoder": "IdentityDecoder", "num_classes": count}
        found = faults(tmp_path, offsets=offsets, model_args=arguments)
        said = {"model.init_args.model_args.num_classes": f"is 4, but the points take {maps} maps"}
        assert found == ({} if count == maps else said)


def test_the_points_of_the_data(tmp_path):
    found = faults(tmp_path, point_names=["tail", "nose"])
    assert list(found) == ["model.init_args.point_names"]
    assert "the data have the points ['nose', 'tail']" in found["model.init_args.point_names"]


def test_a_single_point_may_be_called_anything(tmp_path):
    given = config(tmp_path, point_names=["tree"])
    (tmp_path / "keypoints.csv").write_text("image,split,x,y\na.png,train,1,1\na.png,train,2,2\n")
    assert not [fault for fault in check_config(given) if fault.key.startswith("model")]


def test_the_loss_and_its_arguments(tmp_path):
    assert "did you mean 'balanced'" in faults(tmp_path, loss="balance")["model.init_args.loss"]
    assert "model.init_args.sigmas" in faults(tmp_path, sigmas=3)
    assert "model.init_args.point_names" in faults(tmp_path, point_names="nose")


@pytest.mark.parametrize(
    ("monitor", "task", "logged"),
    [
        ("val/PCK@5", {}, True),
        ("val/PCK@3", {}, False),
        ("val/PCK@3", {"pck_thresholds": [3]}, True),
        ("val/F1", {}, False),
        ("val/F1", {"max_instances": 9}, True),
        ("val/mean_error_nose", {}, True),
        ("val/offset", {"offsets": True}, True),
    ],
)
def test_what_is_monitored_is_logged(tmp_path, monitor, task, logged):
    stopping = {"class_path": "EarlyStopping", "init_args": {"monitor": monitor}}
    given = config(tmp_path, **task) | {"trainer": {"callbacks": [stopping]}}
    found = [fault.key for fault in check_config(given) if fault.key.startswith("trainer")]
    assert found == ([] if logged else ["trainer.callbacks.0.init_args.monitor"])
