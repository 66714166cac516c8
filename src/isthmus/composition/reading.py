"""What every reading of the arguments of a factory does: collect the faults, each with the argument to blame."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any

from isthmus.composition.adapters import adapter_problems
from isthmus.errors import ArgumentError, IsthmusError, MissingExtraError, UnknownNameError
from isthmus.registry.entry import Entry
from isthmus.registry.kinds import Purpose
from isthmus.signatures import Signature


class Reading(ABC):
    """One reading of the arguments of a factory.

    Args:
        arguments: as they were given.
        purpose: what the model is for.

    Attributes:
        problems: everything that is wrong, each with the argument to blame as a dotted path within the arguments.
    """

    def __init__(self, arguments: Mapping[str, Any], purpose: Purpose) -> None:
        self.arguments = arguments
        self.purpose = purpose
        self.problems: list[IsthmusError] = []
        self.outputs = self._count_outputs()
        rescale = arguments.get("rescale")
        self.rescale = purpose.rescale if rescale is None else bool(rescale)

    @abstractmethod
    def fields(self) -> dict[str, Any]:
        """The fields of the composition that the arguments describe."""

    def read_adapters(self) -> Mapping[str, Any] | None:
        """The `peft_config`."""
        given = self.arguments.get("peft_config")
        self.problems += adapter_problems(given)
        return given if isinstance(given, Mapping) else None

    def blame(self, argument: str, message: str) -> None:
        """Note what is wrong with an argument."""
        self.problems.append(ArgumentError(message, argument=argument))

    def entry(self, registry: Any, name: str, argument: str) -> Entry | None:
        """The entry of a name; None where nothing is called so, which is noted."""
        try:
            found: Entry = registry.entry(name)
        except (UnknownNameError, MissingExtraError) as error:
            error.argument = argument
            self.problems.append(error)
            return None
        return found

    def hold(self, signature: Signature | None, given: Iterable[str], owner: str, written: str) -> None:
        """Hold arguments against a signature.

        Args:
            signature: what the owner takes; None where that is not known.
            given: the names of the arguments, without a prefix.
            owner: who takes them.
            written: what stands before each name where the user wrote it; see `isthmus.composition.prefixes.Given`.
        """
        path, dot, prefix = written.rpartition(".")
        for name, message in [] if signature is None else signature.faults(given, owner, prefix):
            self.blame(f"{path}{dot}{name}", message)

    def demand_outputs(self) -> None:
        """Note that it must be said how many outputs there are, unless it is said or noted already."""
        counts = self.purpose.counts
        if self.outputs is None and all(problem.argument != counts for problem in self.problems):
            self.blame(counts, f"`{counts}` must be defined for a {self.purpose.name} task")

    def _count_outputs(self) -> int | None:
        """How many outputs the model has, however it was said."""
        said = {name: self.arguments.get(name) for name in ("num_classes", "num_outputs")}
        given = {name: count for name, count in said.items() if count is not None}
        if len(given) > 1:
            self.blame("num_outputs", "only one of `num_outputs` and `num_classes` can be given")
        elif "num_classes" in given and self.purpose.default_outputs is not None:
            self.blame("num_classes", "num_classes is for classes; say num_outputs for several quantities")
        for name, count in given.items():
            if not isinstance(count, int) or isinstance(count, bool) or count < 1:
                self.blame(name, f"`{name}` must be a number of outputs from 1 on, found {count!r}")
                return 1
        return next(iter(given.values()), self.purpose.default_outputs)
