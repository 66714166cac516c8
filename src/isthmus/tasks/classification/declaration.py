"""What must be known of the classification task before torch is imported."""

from collections.abc import Iterator
from functools import partial

from isthmus.errors import Fault, did_you_mean
from isthmus.registry.kinds import Arguments, TaskKind
from isthmus.specs import Scope
from isthmus.tasks.classes import class_faults, class_names, classes_of, count_classes
from isthmus.tasks.declaring import DATA, TASK, as_far_as_told, logged_by_all
from isthmus.tasks.losses.choosing import loss_faults

OVERALL = ("Accuracy", "Accuracy_Micro", "F1_Score", "Precision", "Recall")
"""The scores over all classes, in the order in which they are computed."""

OF_A_CLASS = ("Class_Accuracy", "Class_F1")
"""The scores of each class, likewise; they are logged with its name."""

classes_of_images = partial(classes_of, scope=Scope.IMAGE)
"""What the numbers of the task mean."""


def _logged(task: Arguments) -> Iterator[str]:
    yield "loss"
    yield from OVERALL
    yield from (f"{score}_{name}" for score in OF_A_CLASS for name in class_names(task))
    yield from logged_by_all(task)


def _faults(task: Arguments, data: Arguments) -> Iterator[Fault]:
    yield from loss_faults(task, "classes")
    yield from list(class_faults(task, {})) or _data_faults(task, data)


def _data_faults(task: Arguments, data: Arguments) -> Iterator[Fault]:
    """Whether the task has the classes of the data, by name: reports and predictions show these names."""
    known, count = data.get("class_names"), data.get("num_classes")
    if not isinstance(known, list | tuple):
        if isinstance(count, int) and count_classes(task) not in (None, count):
            yield Fault(f"{TASK}.num_classes", f"there are {count_classes(task)} classes, but {count} in the data")
        return
    names, known = class_names(task), list(map(str, known))
    if names == known:
        return
    if task.get("class_names") is None:
        yield Fault(f"{TASK}.class_names", f"is not given, but the classes of the data have names; give {known}")
        return
    hint = next((did_you_mean(name, known) for name in names if name not in known), "")
    yield Fault(
        f"{TASK}.class_names",
        f"is {names}, but the classes of the data are {known}; they must be the same, in that order, which {DATA}."
        f"class_names can change{hint}",
    )


CLASSIFICATION = TaskKind(
    "ClassificationTask",
    "isthmus.tasks.classification.task:ClassificationTask",
    facts={"doc": "a class for every image"},
    purpose="classification",
    compares="classes",
    batch="label",
    counted=count_classes,
    output=partial(as_far_as_told, classes_of_images),
    logged=_logged,
    monitor="val/Accuracy",
    mode="max",
    shown=("loss", "Accuracy"),
    faults=_faults,
)

ENTRIES = (CLASSIFICATION,)
