"""What must be known of the segmentation task before torch is imported."""

from collections.abc import Iterator
from functools import partial

from isthmus.errors import Fault
from isthmus.registry.kinds import Arguments, TaskKind
from isthmus.tasks.classes import class_faults, class_names, classes_of, count_classes
from isthmus.tasks.declaring import DATA, TASK, as_far_as_told, logged_by_all
from isthmus.tasks.losses.choosing import loss_faults

OVERALL = ("mIoU", "mIoU_Micro", "F1_Score", "Accuracy", "Pixel_Accuracy")
"""The scores over all classes, in the order in which they are computed."""

OF_A_CLASS = ("IoU", "Class_Accuracy", "F1")
"""The scores of each class, likewise; they are logged with its name."""

BOUNDARY = "Boundary_mIoU"


def _logged(task: Arguments) -> Iterator[str]:
    yield "loss"
    yield from (*OVERALL, BOUNDARY)
    yield from (f"{score}_{name}" for score in OF_A_CLASS for name in class_names(task))
    yield from logged_by_all(task)


def _faults(task: Arguments, data: Arguments) -> Iterator[Fault]:
    yield from loss_faults(task, "classes")
    yield from class_faults(task, data)
    ignored = task.get("ignore_index")
    for name in ("ignore_index", "no_label_replace"):
        value = data.get(name)
        if value is None or value == ignored or (ignored is None and name == "no_label_replace"):
            continue
        said = "is not given" if ignored is None else f"is {ignored}"
        yield Fault(
            f"{TASK}.ignore_index",
            f"{said}, but {DATA}.{name} is {value}: pixels without a label must be what the task leaves out",
        )


SEGMENTATION = TaskKind(
    "SemanticSegmentationTask",
    "isthmus.tasks.segmentation.task:SemanticSegmentationTask",
    facts={"doc": "a class for every pixel"},
    purpose="segmentation",
    compares="classes",
    batch="mask",
    counted=count_classes,
    output=partial(as_far_as_told, classes_of),
    logged=_logged,
    monitor="val/mIoU",
    mode="max",
    shown=("loss", "mIoU"),
    faults=_faults,
)

ENTRIES = (SEGMENTATION,)
