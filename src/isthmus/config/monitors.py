"""Whether what callbacks and schedulers watch is logged at all: Lightning notices only after an epoch."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from isthmus.config.class_paths import class_nodes
from isthmus.config.composition import TASK_OF_CLASS
from isthmus.errors import Fault, did_you_mean

_OVERALL = ("loss", "mIoU", "mIoU_Micro", "F1_Score", "Accuracy", "Pixel_Accuracy", "Boundary_mIoU")
_OF_POSES = ("mean_error", "median_error", "missed", "extra")
_OF_OBJECTS = ("precision", "recall", "F1", "mean_error", "count_error")
_PIXELS = (2.0, 5.0, 10.0)  # at which PCK is given where nothing is said
_OF_A_CLASS = ("IoU", "F1", "Class_Accuracy")
_COUNTERS = ("epoch", "step")


def monitor_faults(config: dict[str, Any]) -> Iterator[Fault]:
    """Every `monitor` that a task of Isthmus does not log."""
    model = config.get("model")
    path = str(model.get("class_path", "")) if isinstance(model, Mapping) else ""
    names = _NAMES.get(TASK_OF_CLASS.get(path.rpartition(".")[2], ""))
    if not isinstance(model, Mapping) or names is None:
        return
    init = model.get("init_args")
    known = [*_COUNTERS, *names(init if isinstance(init, Mapping) else {})]
    for node in class_nodes(config):
        monitor = node.init_args.get("monitor")
        if isinstance(monitor, str) and monitor not in known:
            hint = did_you_mean(monitor, known) or f"; it logs: {', '.join(known[2:9])} and others"
            yield Fault(f"{node.key}.init_args.monitor", f"the task does not log {monitor!r}{hint}")


def logged_names(init: Mapping[str, Any]) -> list[str]:
    """What a segmentation task logs for validation and training, the scores over all classes first."""
    arguments = init.get("model_args")
    arguments = arguments if isinstance(arguments, Mapping) else {}
    classes = init.get("class_names")
    if not isinstance(classes, list):
        classes = range(init.get("num_classes") or arguments.get("num_classes") or 0)
    losses = init.get("loss")
    auxiliary = init.get("aux_loss")
    parts = [
        *(losses if isinstance(losses, list | dict) else ()),
        *(auxiliary if isinstance(auxiliary, dict) else ()),
    ]
    names = [*_OVERALL, *(f"{score}_{name}" for score in _OF_A_CLASS for name in classes)]
    names += [f"{part}{ending}" for part in parts for ending in ("", "_epoch", "_step")]
    return [f"{split}/{name}" for split in ("val", "train") for name in names]


def logged_of_points(init: Mapping[str, Any]) -> list[str]:
    """What a keypoint task logs for validation and training, the scores over all points first."""
    points = init.get("point_names")
    points = points if isinstance(points, list) else []
    auxiliary = init.get("aux_loss")
    parts = [
        *(auxiliary if isinstance(auxiliary, dict) else ()),
        *(("confidence", "offset") * (init.get("offsets") is True)),
    ]
    if init.get("max_instances", 1) == 1:
        given = init.get("pck_thresholds")
        distances = given if isinstance(given, list) else _PIXELS
        names = ["loss", *_OF_POSES, *(f"PCK@{distance:g}" for distance in distances)]
        names += [f"mean_error_{point}" for point in points]
    else:
        names = ["loss", *_OF_OBJECTS, *(f"F1_{point}" for point in points if len(points) > 1)]
    names += [f"{part}{ending}" for part in parts for ending in ("", "_epoch", "_step")]
    return [f"{split}/{name}" for split in ("val", "train") for name in names]


_NAMES: dict[str, Callable[[Mapping[str, Any]], list[str]]] = {
    "segmentation": logged_names,
    "keypoints": logged_of_points,
}
