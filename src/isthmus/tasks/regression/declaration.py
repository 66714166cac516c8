"""What must be known of the regression task before torch is imported."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from isthmus.errors import ArgumentError, Fault
from isthmus.registry.kinds import Arguments, TaskKind
from isthmus.specs import Quantities, Scope
from isthmus.tasks.declaring import DATA, TASK, as_far_as_told, is_listed, logged_by_all, model_args
from isthmus.tasks.losses.choosing import loss_faults

SCORES = ("RMSE", "MSE", "MAE", "R2_Score")
"""The scores, in the order in which they are computed; of several quantities each has its own, logged with its name."""


def count_quantities(task: Arguments) -> int:
    """How many quantities a task has, from the first argument that says it; one where none does."""
    return next(iter(_said(task).values()), 1)


def quantity_names(task: Arguments) -> list[str]:
    """The quantities by name: `value` where a single one has none, their numbers where several have none."""
    names, count = task.get("quantity_names"), count_quantities(task)
    if is_listed(names):
        return list(map(str, names))
    return ["value"] if count == 1 else list(map(str, range(count)))


def quantities_of(task: Arguments, scope: Scope = Scope.PIXEL) -> Quantities:
    """What the numbers of a task with quantities mean.

    Args:
        task: `quantity_names`, `units` and `model_args.num_outputs`, any of which may be missing.
        scope: whether every pixel has the quantities or a whole image.

    Raises:
        ArgumentError: there is no quantity, a name comes twice, or the number of quantities is said differently.
    """
    for argument, problem in _problems(_said(task), quantity_names(task)):
        raise ArgumentError(f"{argument} {problem}", argument=argument)
    units = task.get("units")
    return Quantities(tuple(quantity_names(task)), None if units is None else tuple(map(str, units)), scope)


def _said(task: Arguments) -> dict[str, int]:
    """The number of quantities by the place that says it."""
    given = {name: task.get(name) for name in ("quantity_names", "units")}
    given["model_args.num_outputs"] = model_args(task).get("num_outputs")
    counts = {where: len(said) if is_listed(said) else said for where, said in given.items()}
    return {where: count for where, count in counts.items() if isinstance(count, int)}


def _problems(said: Mapping[str, int], names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """What is wrong with the number of quantities, by the place that says it, and with their names."""
    for where, count in said.items():
        reference, expected = next(iter(said.items()))
        says = f"is {count}" if where.endswith("num_outputs") else f"has the length {count}"
        if count < 1:
            yield where, f"{says}; there must be one quantity at least"
        elif count != expected:
            yield where, f"{says}, but {reference} says that the number of quantities is {expected}"
    if len(set(names)) != len(names):
        yield "quantity_names", f"holds a name twice: {', '.join(names)}"


def _logged(task: Arguments) -> Iterator[str]:
    yield "loss"
    yield from SCORES
    if count_quantities(task) > 1:
        yield from (f"{score}_{name}" for score in SCORES for name in quantity_names(task))
    yield from logged_by_all(task)


def _faults(task: Arguments, data: Arguments) -> Iterator[Fault]:
    yield from loss_faults(task, "quantities")
    said = {f"{TASK}.{where}": count for where, count in _said(task).items()}
    said = said or {f"{TASK}.quantity_names (not given)": 1}
    bands = data.get("label_bands")
    said |= {f"{DATA}.label_bands": len(bands)} if is_listed(bands) else {}
    for where, problem in _problems(said, quantity_names(task)):
        yield Fault(f"{TASK}.{where}" if where == "quantity_names" else where, problem)
    replaced, ignored = data.get("no_label_replace"), task.get("ignore_index")
    if replaced is not None and replaced != ignored:
        found = "is not given" if ignored is None else f"is {ignored}"
        yield Fault(
            f"{TASK}.ignore_index",
            f"{found}, but {DATA}.no_label_replace is {replaced}, which would be learned as a value; leave that out, "
            "and pixels without a label do not count",
        )


REGRESSION = TaskKind(
    "PixelwiseRegressionTask",
    "isthmus.tasks.regression.task:PixelwiseRegressionTask",
    facts={"doc": "quantities of every pixel"},
    purpose="regression",
    compares="quantities",
    batch="mask",
    counted=count_quantities,
    output=partial(as_far_as_told, quantities_of),
    logged=_logged,
    monitor="val/RMSE",
    shown=("loss", "RMSE"),
    faults=_faults,
)

ENTRIES = (REGRESSION,)
