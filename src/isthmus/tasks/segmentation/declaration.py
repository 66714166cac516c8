"""What a configuration must know of the segmentation task; without torch."""

from collections.abc import Iterator

from isthmus.errors import Fault
from isthmus.registry.kinds import Arguments, TaskKind
from isthmus.specs import Classes
from isthmus.tasks.declaring import class_faults, class_names, count_classes_said, logged_losses

_OVERALL = ("mIoU", "mIoU_Micro", "F1_Score", "Accuracy", "Pixel_Accuracy", "Boundary_mIoU")
_OF_A_CLASS = ("IoU", "F1", "Class_Accuracy")


def _logged(task: Arguments) -> Iterator[str]:
    yield "loss"
    yield from _OVERALL
    yield from (f"{score}_{name}" for score in _OF_A_CLASS for name in class_names(task))
    yield from logged_losses(task)


def _faults(task: Arguments, data: Arguments) -> Iterator[Fault]:
    yield from class_faults(task, data)
    ignored = task.get("ignore_index")
    for name in ("ignore_index", "no_label_replace"):
        value = data.get(name)
        if value is None or value == ignored or (ignored is None and name == "no_label_replace"):
            continue
        said = "is not given" if ignored is None else f"is {ignored}"
        yield Fault(
            "model.init_args.ignore_index",
            f"{said}, but data.init_args.{name} is {value}: pixels without a label must be what the task leaves out",
        )


def _output(task: Arguments) -> Classes | None:
    names = class_names(task)
    return Classes(tuple(names)) if names else None


ENTRIES = (
    TaskKind(
        "SemanticSegmentationTask",
        "isthmus.tasks.segmentation.task:SemanticSegmentationTask",
        facts={"doc": "a class for every pixel"},
        purpose="segmentation",
        compares="classes",
        batch="mask",
        counted=count_classes_said,
        output=_output,
        logged=_logged,
        monitor="val/mIoU",
        mode="max",
        shown=("loss", "mIoU"),
        faults=_faults,
    ),
)
