"""Taking the arguments of `EncoderDecoderFactory` apart."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from isthmus.composition.parts import Branch, Part, behind_channels, is_constructor
from isthmus.composition.prefixes import (
    PREFIXES,
    TEMPORAL_ARGUMENTS,
    TEMPORAL_PREFIX,
    USE_TEMPORAL,
    Given,
    given_to,
)
from isthmus.composition.reading import Reading
from isthmus.errors import did_you_mean
from isthmus.registry import BACKBONE_REGISTRY, DECODER_REGISTRY, HEAD_REGISTRY, MODEL_FACTORY_REGISTRY, NECK_REGISTRY
from isthmus.registry.kinds import HeadKind
from isthmus.signatures import Signature, live_signature, static_signature

FACTORY = "EncoderDecoderFactory"
PADDINGS = ("reflect", "replicate", "constant", "circular")
"""How images can be padded to whole patches."""

_OF_A_BRANCH = ("name", "decoder", "decoder_args")


class EncoderDecoderReading(Reading):
    """One reading of the arguments of the factory."""

    def fields(self) -> dict[str, Any]:
        """The fields of the composition that they describe."""
        self._check_names()
        backbone, time, padding = self._backbone()
        own, head = given_to(self.arguments, "decoder"), given_to(self.arguments, "head")
        decoder, on_top = self._branch(self.arguments.get("decoder"), own, head, "decoder", self.arguments.get("head"))
        return {
            "backbone": backbone,
            "time": time,
            "padding": padding,
            "necks": self._necks(),
            "decoder": decoder,
            "head": on_top,
            "auxiliary": tuple(self._auxiliary()),
            "adapters": self.read_adapters(),
            "outputs": self.outputs,
            "rescale": self.rescale,
            "image_size_out": self._image_size_out(),
        }

    # --- names --------------------------------------------------------------------------------------------------------

    def _check_names(self) -> None:
        """Blame arguments that go to no part."""
        signature = static_signature(f"{MODEL_FACTORY_REGISTRY.entry(FACTORY).target}.build_model")
        known = () if signature is None else tuple(name for name in signature.names if name != "task")
        for name, value in self.arguments.items():
            part = str(name).partition("_")[0]
            if name in known:
                continue
            unused = _unused({name: value})
            if not str(name).startswith(PREFIXES):
                self.blame(str(name), f"{unused}: {FACTORY} has no argument {name!r}{self._near(str(name), known)}")
            elif given_to(self.arguments, part).written.endswith("."):
                self.blame(str(name), f"{unused}: {part}_kwargs holds the arguments of the {part}")

    def _near(self, name: str, known: Collection[str]) -> str:
        prefixed = [prefix + name for prefix in PREFIXES]
        return did_you_mean(name, [*known, *self._prefixed_arguments()]) or (
            f"; arguments of a part begin with its name, as in {' or '.join(prefixed)}"
        )

    def _prefixed_arguments(self) -> Iterator[str]:
        """Every prefixed argument that the backbone and the decoder would take."""
        for part, registry in (("backbone", BACKBONE_REGISTRY), ("decoder", DECODER_REGISTRY)):
            name = self.arguments.get(part)
            signature = registry.entry(str(name)).known_signature() if name in registry else None
            yield from (f"{part}_{argument}" for argument in (() if signature is None else signature.names))

    def _image_size_out(self) -> tuple[int, int] | None:
        size = self.arguments.get("image_size_out")
        if size is None:
            return None
        if not isinstance(size, list | tuple) or len(size) != 2 or not all(isinstance(side, int) for side in size):
            self.blame("image_size_out", f"expected a height and a width, found {size!r}")
            return None
        return size[0], size[1]

    # --- parts --------------------------------------------------------------------------------------------------------

    def _backbone(self) -> tuple[Part | None, dict[str, Any] | None, str]:
        own, written = given_to(self.arguments, "backbone")
        padding = own.pop("padding", PADDINGS[0])
        if padding not in PADDINGS:
            self.blame(f"{written}padding", f"backbone_padding is {padding!r}, which is none of {', '.join(PADDINGS)}")
        time, name = self._time(own, written), self.arguments.get("backbone")
        if name is None:
            self.blame("backbone", "a backbone must be provided, but is missing; `isthmus list backbones` shows names")
            return None, time, str(padding)
        if isinstance(name, str):
            entry = self.entry(BACKBONE_REGISTRY, name, "backbone")
            self.hold(None if entry is None else entry.known_signature(), own, f"the backbone {name!r}", written)
        elif own:
            self.blame(f"{written}{next(iter(own))}", f"{_unused(own)}: the backbone is a module")
        return Part(name, own), time, str(padding)

    def _time(self, own: dict[str, Any], written: str) -> dict[str, Any] | None:
        """The arguments of the `TemporalWrapper` around the backbone; None where none is asked for."""
        wanted = own.pop(USE_TEMPORAL, False)
        names = [name for name in TEMPORAL_ARGUMENTS if TEMPORAL_PREFIX + name in own]
        given = {name: own.pop(TEMPORAL_PREFIX + name) for name in names}
        if given and not wanted:
            listed = ", ".join(f"backbone_{TEMPORAL_PREFIX}{name}" for name in given)
            problem = f"{listed} is given without backbone_{USE_TEMPORAL}: true, so it would have no effect"
            self.blame(f"{written}{TEMPORAL_PREFIX}{names[0]}", problem)
        return given if wanted else None

    def _branch(
        self, decoder: Any, own: Given, head: Given, key: str, head_name: Any = None
    ) -> tuple[Part | None, Part | None]:
        """A decoder and the head on it."""
        if decoder is None:
            self.blame(
                key,
                f"a decoder must be provided for the task {self.purpose.name!r}, but is missing; `isthmus list "
                "decoders` shows the names, of which IdentityDecoder adds nothing",
            )
            return None, None
        part = Part(decoder, own.arguments)
        owner = f"the decoder {part.title!r}"
        signature, includes_head = self._constructor(decoder, key)
        if not is_constructor(decoder) and not isinstance(decoder, str) and own.arguments:
            self.blame(own.written + next(iter(own.arguments)), f"{_unused(own.arguments)}: the decoder is a module")
        if includes_head is None:
            return part, None
        if includes_head:
            for name in [*head.arguments, *([] if head_name is None else [""])]:
                argument = f"{head.written}{name}" if name else "head"
                problem = f"{owner} includes its head, so there is none to take the head arguments {head.arguments}"
                self.blame(argument, problem)
            self._tell_outputs(part.arguments, signature, own.written, owner)
        self.hold(behind_channels(signature), own.arguments, owner, own.written)
        return part, None if includes_head else self._head(head, head_name)

    def _constructor(self, decoder: Any, key: str) -> tuple[Signature | None, bool | None]:
        """What a decoder takes, and whether it includes its head; None twice where it is not known."""
        if not isinstance(decoder, str):
            return live_signature(decoder) if is_constructor(decoder) else None, _includes_head(decoder)
        entry = self.entry(DECODER_REGISTRY, decoder, key)
        if entry is None:
            return None, None
        return entry.known_signature(), DECODER_REGISTRY.includes_head(decoder) or _includes_head(entry.target)

    def _tell_outputs(self, arguments: Any, signature: Signature | None, written: str, owner: str) -> None:
        """Tell a decoder that includes its head how many outputs it makes."""
        if signature is None:
            return
        wanted = ("out_channels", "num_classes") if self.purpose.counts == "num_outputs" else ("num_classes",)
        key = next((name for name in wanted if name in signature.names), wanted[-1])
        told = arguments.get(key, self.outputs)
        if self.outputs is not None and told != self.outputs:
            self.blame(
                written + key,
                f"decoder_{key}={told} contradicts {self.purpose.counts}={self.outputs}: {owner} includes its head, so "
                "both name the same number; give one of them",
            )
        arguments[key] = told
        if told is None:
            self.demand_outputs()

    def _head(self, given: Given, name: Any) -> Part | None:
        chosen = self.purpose.head if name is None else name
        entry = self.entry(HEAD_REGISTRY, str(chosen), "head")
        if not isinstance(entry, HeadKind):
            return None
        self.demand_outputs()
        signature = entry.known_signature()
        free = None if signature is None else signature.without({entry.size, entry.outputs})
        self.hold(free, given.arguments, f"the {entry.name}", given.written)
        return Part(entry.name, given.arguments)

    def _auxiliary(self) -> Iterator[Branch]:
        listed, seen = self.arguments.get("aux_decoders") or [], set()
        if not isinstance(listed, list | tuple):
            self.blame("aux_decoders", f"expected a list of name, decoder and decoder_args, found {listed!r}")
            return
        for index, given in enumerate(listed):
            key = f"aux_decoders.{index}"
            one = given if isinstance(given, Mapping) else {name: getattr(given, name, None) for name in _OF_A_BRANCH}
            if not one.get("name"):
                self.blame(key, f"expected name, decoder and decoder_args, found {given!r}")
                continue
            for name in one:
                if name not in _OF_A_BRANCH:
                    hint = did_you_mean(str(name), _OF_A_BRANCH) or f"; it takes: {', '.join(_OF_A_BRANCH)}"
                    self.blame(f"{key}.{name}", f"an auxiliary decoder has no {name!r}{hint}")
            if one["name"] in seen:
                self.blame(f"{key}.name", f"two auxiliary decoders are called {one['name']!r}")
            seen.add(one["name"])
            decoder, head = self._branch(one.get("decoder"), *self._of_a_branch(one, key), f"{key}.decoder")
            if decoder is not None:
                yield Branch(str(one["name"]), decoder, head)

    def _of_a_branch(self, one: Mapping[str, Any], key: str) -> tuple[Given, Given]:
        arguments = one.get("decoder_args") or {}
        decoder, head = given_to(arguments, "decoder"), given_to(arguments, "head")
        for name in arguments:
            if not str(name).startswith(("decoder_", "head_")):
                hint = f"; did you mean 'decoder_{name}' or 'head_{name}'?"
                self.blame(
                    f"{key}.decoder_args.{name}",
                    f"{_unused({name: arguments[name]})}: arguments here begin with decoder_ or head_{hint}",
                )
        path = f"{key}.decoder_args."
        return Given(decoder.arguments, path + decoder.written), Given(head.arguments, path + head.written)

    def _necks(self) -> tuple[dict[str, Any], ...] | str:
        necks = self.arguments.get("necks")
        if necks is None or necks == "auto":
            return necks or ()
        if not isinstance(necks, list | tuple):
            hint = did_you_mean(str(necks), ["auto"])
            self.blame("necks", f"expected a list of necks, each with a name, or auto; found {necks!r}{hint}")
            return ()
        return tuple(dict(neck) for index, neck in enumerate(necks) if self._is_neck(neck, f"necks.{index}"))

    def _is_neck(self, neck: Any, key: str) -> bool:
        name = neck.get("name") if isinstance(neck, Mapping) else None
        if not isinstance(name, str):
            self.blame(key, f"expected a mapping with the name of a neck, found {neck!r}")
            return False
        entry = self.entry(NECK_REGISTRY, name, f"{key}.name")
        signature = None if entry is None else behind_channels(entry.known_signature())
        self.hold(signature, [each for each in neck if each != "name"], f"the neck {name!r}", f"{key}.")
        return entry is not None


def _unused(arguments: Mapping[str, Any]) -> str:
    return f"arguments {dict(arguments)} were passed but not used"


def _includes_head(decoder: Any) -> bool:
    return getattr(decoder, "includes_head", False) is True
