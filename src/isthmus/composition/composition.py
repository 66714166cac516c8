"""`Composition`: what `model_args` say, as data."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from isthmus.composition import encoder_decoder, full_model
from isthmus.composition.parts import Branch, Part
from isthmus.composition.prefixes import TEMPORAL_PREFIX, USE_TEMPORAL
from isthmus.errors import ArgumentError, Fault, IsthmusError, NotRegisteredError, UnknownTaskError, did_you_mean
from isthmus.registry import MODEL_FACTORY_REGISTRY, PURPOSE_REGISTRY
from isthmus.registry.kinds import Arguments, Purpose, TaskKind
from isthmus.specs import Scope
from isthmus.specs.plain import PlainData

DEFAULT_FACTORY = encoder_decoder.FACTORY
"""The factory that is meant where none is named."""

DEFAULT_PURPOSE = "segmentation"
"""What a model is for where nothing is said."""

WEIGHT_ARGUMENTS = ("pretrained", "ckpt_path", "checkpoint_path")
"""The arguments of a backbone or a model that say which weights it begins with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Composition(PlainData):
    """A model as data: its parts, each with its arguments.

    Attributes:
        purpose: what the model is for, as in `isthmus.registry.PURPOSE_REGISTRY`.
        factory: the name of the factory that builds it.
        backbone: the encoder.
        time: the arguments of the `TemporalWrapper` around it; None where there is none.
        padding: how images are padded to whole patches.
        necks: what stands between encoder and decoder, each a name and arguments; "auto" where that is to be derived.
        decoder: the decoder.
        head: what is put on it; None where it includes its head.
        auxiliary: further decoders on the same features.
        model: in the place of all of these, a model that is registered as a whole; for the factory of a plug-in, its
            arguments as they are, without a name.
        adapters: what is trained in the place of the encoder, as `peft_config`.
        outputs: how many outputs there are; None where nobody says.
        rescale: whether a map is resized to the image.
        image_size_out: the (height, width) of the middle of the image to map, where the rest only gives context.
        problems: what is wrong with the arguments that it was made of, each with the argument to blame.
    """

    purpose: str
    factory: str = DEFAULT_FACTORY
    backbone: Part | None = None
    time: Mapping[str, Any] | None = None
    padding: str = encoder_decoder.PADDINGS[0]
    necks: tuple[Mapping[str, Any], ...] | str = ()
    decoder: Part | None = None
    head: Part | None = None
    auxiliary: tuple[Branch, ...] = ()
    model: Part | None = None
    adapters: Mapping[str, Any] | None = None
    outputs: int | None = None
    rescale: bool = True
    image_size_out: tuple[int, int] | None = None
    problems: tuple[IsthmusError, ...] = ()

    @classmethod
    def parse(
        cls, arguments: Arguments, purpose: str = DEFAULT_PURPOSE, factory: str = DEFAULT_FACTORY
    ) -> "Composition":
        """Take the arguments of a factory apart, and hold them against what the registries know.

        Nothing is raised: everything that is wrong is in `problems`.

        Args:
            arguments: the `model_args`, or the keyword arguments of `build_model`.
            purpose: what the model is for.
            factory: the name of the factory.
        """
        reading = _READINGS.get(factory)
        problems = [*_unknown_factory(factory), *_unknown_purpose(purpose, factory)]
        if problems or reading is None:
            return cls(purpose=purpose, factory=factory, model=Part(None, dict(arguments)), problems=tuple(problems))
        kind = purpose_of(purpose)
        read = reading(arguments, kind)
        found = read.fields()
        return cls(purpose=kind.name, factory=factory, **found, problems=tuple(read.problems))

    @classmethod
    def of_task(cls, kind: TaskKind, task: Arguments) -> "Composition":
        """The composition that the arguments of a task describe, which tells its model how many outputs it has.

        Args:
            kind: the task.
            task: its arguments.
        """
        given = task.get("model_args")
        arguments = dict(given) if isinstance(given, Mapping) else {}
        count = kind.counted(task)
        if count is not None and not arguments.keys() & {"num_classes", "num_outputs"}:
            arguments[purpose_of(kind.purpose).counts] = count
        if task.get("aux_heads"):
            arguments["aux_decoders"] = task["aux_heads"]
        return cls.parse(arguments, kind.purpose, task.get("model_factory") or DEFAULT_FACTORY)

    # --- what is wrong ------------------------------------------------------------------------------------------------

    @property
    def faults(self) -> list[Fault]:
        """Everything that is wrong, with keys within the arguments, beside which `task` and `model_factory` stand."""
        return [Fault(problem.argument or "", str(problem)) for problem in self.problems]

    def checked(self) -> "Composition":
        """The composition itself.

        Raises:
            ArgumentError: an argument is unknown, missing, left over or has no valid value; all of these in one error.
            UnknownNameError: a part is not registered.
            MissingExtraError: a part needs a package that is not installed.
        """
        if not self.problems:
            return self
        first = self.problems[0]
        if type(first) is not ArgumentError:
            raise first
        same = [str(problem) for problem in self.problems if isinstance(problem, ArgumentError)]
        raise ArgumentError("\n".join(dict.fromkeys(same)), argument=first.argument)

    # --- other forms --------------------------------------------------------------------------------------------------

    @property
    def auxiliary_names(self) -> list[str] | None:
        """What the outputs beside the main one are called; None where that cannot be known."""
        if self.model is None:
            return [branch.name for branch in self.auxiliary]
        stacks = full_model.stacks_of(self.model)
        return None if stacks is None else [f"stack{index}" for index in range(stacks - 1)]

    def without_weights(self) -> "Composition":
        """The same composition with no weights to find or read: they come from elsewhere, or are not needed."""
        return replace(self, backbone=_without_weights(self.backbone), model=_without_weights(self.model))

    @property
    def model_args(self) -> dict[str, Any]:
        """The arguments of the factory that say the same."""
        purpose = purpose_of(self.purpose)
        whole = {} if self.model is None or self.model.name is None else {"model": self.model.name}
        arguments: dict[str, Any] = {**whole, **(self.model.arguments if self.model else {})}
        if self.model is not None and self.model.name is None:
            return arguments
        arguments |= _prefixed("backbone", self.backbone)
        arguments |= {"backbone_padding": self.padding} if self.padding != encoder_decoder.PADDINGS[0] else {}
        if self.time is not None:
            arguments[f"backbone_{USE_TEMPORAL}"] = True
            arguments |= {f"backbone_{TEMPORAL_PREFIX}{name}": value for name, value in self.time.items()}
        arguments |= {"necks": self.necks if isinstance(self.necks, str) else list(self.necks)} if self.necks else {}
        arguments |= _prefixed("decoder", self.decoder)
        head = _prefixed("head", self.head)
        arguments |= {name: value for name, value in head.items() if (name, value) != ("head", purpose.head)}
        branches = [_described(branch) for branch in self.auxiliary]
        rest = {
            "aux_decoders": branches or None,
            "peft_config": self.adapters,
            purpose.counts: self.outputs,
            "rescale": self.rescale if self.rescale != purpose.rescale else None,
            "image_size_out": None if self.image_size_out is None else list(self.image_size_out),
        }
        return arguments | {name: value for name, value in rest.items() if value is not None}

    def to_dict(self) -> dict[str, Any]:
        """The fields by name, as plain data, but for the problems."""
        plain = PlainData.to_dict(self)
        return {each.name: plain[each.name] for each in fields(self) if each.name != "problems"}


_READINGS = {
    encoder_decoder.FACTORY: encoder_decoder.EncoderDecoderReading,
    full_model.FACTORY: full_model.FullModelReading,
}


def purpose_of(name: str) -> Purpose:
    """What is known about what a model is for.

    Raises:
        UnknownNameError: there is no such purpose.
    """
    entry = PURPOSE_REGISTRY.entry(name.lower())
    if not isinstance(entry, Purpose):
        raise NotRegisteredError(f"{name!r} is registered without saying what such models are")
    return entry


def _unknown_factory(name: str) -> list[IsthmusError]:
    if name in MODEL_FACTORY_REGISTRY:
        return []
    hint = did_you_mean(str(name), MODEL_FACTORY_REGISTRY) or f"; there are: {', '.join(MODEL_FACTORY_REGISTRY)}"
    return [ArgumentError(f"there is no model factory {name!r}{hint}", argument="model_factory")]


def _unknown_purpose(name: str, factory: str) -> list[IsthmusError]:
    kinds = {each: purpose_of(each) for each in PURPOSE_REGISTRY}
    built = list(kinds)
    if factory == encoder_decoder.FACTORY:
        built = [each for each, kind in kinds.items() if kind.head is not None]
    elif factory == full_model.FACTORY:
        built = [each for each, kind in kinds.items() if kind.scope is Scope.PIXEL]
    if name.lower() in built:
        return []
    hint = did_you_mean(name.lower(), built) or "."
    problem = f"{factory} builds models for the tasks {', '.join(built)}, not for {name!r}{hint}"
    return [UnknownTaskError(problem, argument="task")]


def _without_weights(part: Part | None) -> Part | None:
    if part is None:
        return None
    kept = {name: value for name, value in part.arguments.items() if name not in WEIGHT_ARGUMENTS}
    return replace(part, arguments={**kept, "pretrained": False} if "pretrained" in part.arguments else kept)


def _prefixed(kind: str, part: Part | None) -> dict[str, Any]:
    if part is None:
        return {}
    return {kind: part.name, **{f"{kind}_{name}": value for name, value in part.arguments.items()}}


def _described(branch: Branch) -> dict[str, Any]:
    decoder = _prefixed("decoder", branch.decoder)
    head = {name: value for name, value in _prefixed("head", branch.head).items() if name != "head"}
    return {"name": branch.name, "decoder": decoder.pop("decoder"), "decoder_args": {**decoder, **head}}
