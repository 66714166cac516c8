"""The declarations of what is more than a part of a model: what a model is for, tasks, losses, heads, kinds of data.

Each is an `Entry` with typed fields that say what others must know of it. Whoever checks, lists or reports iterates
over declarations and knows none of them by name.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from isthmus.errors import Fault
from isthmus.registry.entry import Entry
from isthmus.registry.registry import Registry
from isthmus.specs import Layout, OutputSpec, Scope

Arguments = Mapping[str, Any]
"""The arguments of a class as a configuration gives them; any of them may be missing or wrong."""


@dataclass(frozen=True, kw_only=True)
class Purpose(Entry):
    """What a model is for, the `task` of a factory, and the class of the model that is built for it.

    Attributes:
        scope: whether a prediction is about every pixel or about a whole image.
        head: the name of the head that is put on a decoder; None where models of this purpose have none.
        counts: the argument that says how many outputs there are, `num_classes` or `num_outputs`.
        default_outputs: how many there are where nothing is said; None where it must be said.
        rescale: whether a map is resized to the image unless something else is said.
        squeeze: whether a single output loses its axis.
    """

    scope: Scope
    head: str | None = None
    counts: str = "num_classes"
    default_outputs: int | None = None
    rescale: bool = True
    squeeze: bool = False

    @property
    def decoded(self) -> frozenset[Layout]:
        """The layouts of what a decoder may hand to the head."""
        return frozenset({Layout.GRID} if self.scope is Scope.PIXEL else {Layout.GRID, Layout.VECTOR})


def _nothing_more(task: Arguments, data: Arguments) -> Iterator[Fault]:  # noqa: ARG001
    return iter(())


@dataclass(frozen=True, kw_only=True)
class TaskKind(Entry):
    """A task, under the name of its class.

    Attributes:
        purpose: what its models are for: the `task` that it gives to factories.
        compares: what its losses compare, such as "classes" or "quantities"; losses declare the same.
        batch: the key of a sample that holds the truth, such as "mask".
        counted: how many outputs its model must have, as far as its arguments tell; None where they do not.
        output: what the numbers of its models mean, as far as its arguments tell.
        logged: what it logs for a split, by the names behind `train/` and so on, the scores over all first.
        monitor: what tells the best checkpoint, with its split.
        mode: whether the best has the least ("min") or the most ("max") of it.
        shown: what a line of progress shows, by the names behind the split.
        faults: what else is wrong between its arguments and those of the data, with keys from the root of the
            configuration.
    """

    purpose: str
    compares: str
    batch: str
    counted: Callable[[Arguments], int | None]
    output: Callable[[Arguments], OutputSpec | None]
    logged: Callable[[Arguments], Iterable[str]]
    monitor: str = "val/loss"
    mode: str = "min"
    shown: tuple[str, ...] = ("loss",)
    faults: Callable[[Arguments, Arguments], Iterator[Fault]] = _nothing_more


@dataclass(frozen=True, kw_only=True)
class LossKind(Entry):
    """A loss.

    Attributes:
        compares: what it can compare; see `TaskKind.compares`.
    """

    compares: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class MetricKind(Entry):
    """A metric that can be asked for beside those that a task has anyway.

    Attributes:
        compares: what it can compare; see `TaskKind.compares`.
    """

    compares: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class NeckKind(Entry):
    """What stands between an encoder and a decoder.

    Attributes:
        proposes: whether it has `proposals` for `necks: auto`.
    """

    proposes: bool = False


@dataclass(frozen=True, kw_only=True)
class HeadKind(Entry):
    """What is put on a decoder.

    Attributes:
        size: the argument of its constructor that is told the channels of the decoder.
        outputs: the argument that is told how many outputs there are.
    """

    size: str
    outputs: str


@dataclass(frozen=True, kw_only=True)
class DatamoduleKind(Entry):
    """A datamodule, under the name of its class.

    Attributes:
        source: the class that says which files there are and how they are read, as `module:class`; it imports no torch.
        batch: the keys of a sample beside the image, such as "mask".
        compares: what kind of truth it gives; see `TaskKind.compares`.
    """

    source: str
    batch: tuple[str, ...]
    compares: str

    def described(self) -> dict[str, Any]:
        """Everything that can be shown; what it reads is not where it comes from."""
        found = {name: value for name, value in Entry.described(self).items() if name != "source"}
        return {**found, "reads": self.source, **{name: self.facts[name] for name in ("source",) if name in self.facts}}

    def load_source(self) -> Any:
        """The class of its source.

        Raises:
            RegistrationError: it is not where the declaration says.
        """
        return Entry(self.name, self.source).load()

    def has_time(self, arguments: Arguments) -> bool:
        """Whether its images have an axis of time."""
        return bool(arguments.get("expand_temporal_dimension", False))


_Kind = TypeVar("_Kind", bound=Entry)


def kind_of_class(registry: Registry, class_path: str, expected: type[_Kind]) -> _Kind | None:
    """The declaration of the class that a configuration names; None where it is nobody's who declared it.

    Args:
        registry: where it would be declared.
        class_path: with its package, as in `isthmus.tasks.KeypointTask`; the module may be any that exports it.
        expected: the class of the declarations of the registry.
    """
    package, _, name = class_path.rpartition(".")
    entry = registry.entry(name) if name in registry else _under_another_name(registry, class_path)
    if not isinstance(entry, expected) or not isinstance(entry.target, str):
        return None
    return entry if package.partition(".")[0] in ("", entry.target.partition(".")[0]) else None


def _under_another_name(registry: Registry, class_path: str) -> Entry | None:
    """What is registered for a class under a name that is not its own."""
    entries = (registry.entry(name) for name in registry)
    return next((each for each in entries if str(each.target).replace(":", ".") == class_path), None)
