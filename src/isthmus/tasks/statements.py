"""What a checkpoint says of its model: its composition, what it takes and means, and how its images are prepared."""

from collections.abc import Mapping
from typing import Any

from torch import nn

from isthmus._version import VERSION
from isthmus.errors import WeightsError
from isthmus.specs import Classes, OutputSpec, Preprocessing, Quantities, output_spec_from

KEY = "isthmus"


def statements_of(model: nn.Module, output: OutputSpec, preprocessing: Preprocessing | None) -> dict[str, Any]:
    """All statements as plain data; None for what nobody said."""
    said = {
        "composition": getattr(model, "composition", None),
        "input": getattr(model, "input_spec", None),
        "output": output,
        "preprocessing": preprocessing,
    }
    return {name: each if each is None else each.to_dict() for name, each in said.items()} | {"version": VERSION}


def preprocessing_from(statements: Mapping[str, Any]) -> Preprocessing | None:
    """How the images of a training were prepared, as far as its checkpoint says it."""
    stored = statements.get("preprocessing")
    return None if stored is None else Preprocessing.from_dict(stored)


def check_output_spec(statements: Mapping[str, Any], output: OutputSpec) -> None:
    """Check that the numbers of a model mean what they meant in its training.

    How they are decided on, drawn and so on may differ; and classes and quantities that had only numbers may get names.

    Raises:
        WeightsError: it was trained for something else.
    """
    stored = statements.get("output")
    trained = None if stored is None else output_spec_from(stored)
    if trained is None or _same(trained, output):
        return
    raise WeightsError(
        f"the checkpoint was trained for {_described(trained)}, but the task is about {_described(output)}: its "
        "numbers would be taken for what they are not; say in the task what the checkpoint says"
    )


def _same(trained: OutputSpec, asked: OutputSpec) -> bool:
    if (trained.kind, trained.channels, trained.scope) != (asked.kind, asked.channels, asked.scope):
        return False
    names = _names(trained), _names(asked)
    return None in names or names[0] == names[1]


def _names(spec: OutputSpec) -> tuple[str, ...] | None:
    """What the numbers are called; None where they have no names, or a single one that cannot be mistaken."""
    names: tuple[str, ...] = getattr(spec, "names", ())
    numbered = isinstance(spec, Classes | Quantities) and names == tuple(map(str, range(spec.channels)))
    return None if numbered or len(names) < 2 else names


def _described(spec: OutputSpec) -> str:
    listed = ", ".join(getattr(spec, "names", ()))
    return f"{spec.kind} of every {spec.scope}, in {spec.channels} numbers" + (f": {listed}" if listed else "")
