"""Taking the arguments of `FullModelFactory` apart."""

from typing import Any

from isthmus.composition.parts import Part
from isthmus.composition.reading import Reading
from isthmus.registry import FULL_MODEL_REGISTRY, MODEL_FACTORY_REGISTRY
from isthmus.signatures import Signature, static_signature

FACTORY = "FullModelFactory"

OUTPUTS = "num_outputs"
"""The argument by which a model is told how many outputs it has."""


class FullModelReading(Reading):
    """One reading of the arguments of the factory."""

    def fields(self) -> dict[str, Any]:
        """The fields of the composition that they describe."""
        name = self.arguments.get("model")
        own = static_signature(f"{MODEL_FACTORY_REGISTRY.entry(FACTORY).target}.build_model") or Signature(())
        if not isinstance(name, str):
            self.blame("model", "a model must be provided, but is missing; `isthmus list models` shows the names")
        else:
            self._check(name, own.without({"task"}))
        given = {argument: value for argument, value in self.arguments.items() if argument not in own.names}
        return {
            "model": Part(name, given) if isinstance(name, str) else None,
            "adapters": self.read_adapters(),
            "outputs": self.outputs,
            "rescale": self.rescale,
        }

    def _check(self, name: str, own: Signature) -> None:
        entry = self.entry(FULL_MODEL_REGISTRY, name, "model")
        signature = None if entry is None else entry.known_signature()
        if signature is None:
            return
        whole = Signature((*signature.without({OUTPUTS}).parameters, *own.parameters), signature.is_open)
        self.hold(whole, self.arguments, f"the model {name!r}", "")
        if OUTPUTS in signature.names:
            self.demand_outputs()


def stacks_of(model: Part) -> int | None:
    """How many stacks a model has, each with a prediction of its own; None where that cannot be known."""
    return _number(model, "stacks", 1)


def bands_of(model: Part) -> int | None:
    """How many bands a model takes; None where that cannot be known."""
    return _number(model, "in_chans", None)


def _number(model: Part, argument: str, otherwise: int | None) -> int | None:
    signature = FULL_MODEL_REGISTRY.entry(model.name).known_signature() if model.name in FULL_MODEL_REGISTRY else None
    if signature is None:
        return None
    default = next((each.default for each in signature.parameters if each.name == argument), None)
    count = model.arguments.get(argument, int(default) if default and default.isdigit() else otherwise)
    return count if isinstance(count, int) else None
