"""A decoder with its head: the main one of a model, or an auxiliary one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

from isthmus.composition import Part
from isthmus.composition.parts import is_constructor
from isthmus.errors import CompositionError, NotRegisteredError
from isthmus.models.factories.encoders import build_part
from isthmus.plan.advice import explain_misfit
from isthmus.registry import DECODER_REGISTRY, HEAD_REGISTRY
from isthmus.registry.kinds import HeadKind, Purpose
from isthmus.specs.features import FeatureSpec, Requirement
from isthmus.specs.inputs import Size


@dataclass(frozen=True)
class DecoderBranch:
    """A decoder and its head before they are built.

    Attributes:
        decoder: the decoder.
        head: the head on it; None where the decoder includes it.
        purpose: what the model is for.
        outputs: how many outputs the head has.
        name: what the output is called; the empty string for the main one.
    """

    decoder: Part
    head: Part | None
    purpose: Purpose
    outputs: int | None
    name: str = ""

    @property
    def owner(self) -> str:
        """What messages call the decoder."""
        return f"the decoder {self.decoder.title!r}"

    @property
    def requirement(self) -> Requirement | None:
        """What the features must be like, where the decoder says it."""
        given, preset = self.decoder.name, {}
        if isinstance(given, str):
            entry = DECODER_REGISTRY.entry(given)
            given, preset = entry.load(), dict(entry.preset)
        if is_constructor(given):
            statement = getattr(given, "requirement_for", None)
            stated = None if statement is None else statement(**preset, **self.decoder.arguments)
        else:
            stated = getattr(given, "requirement", None)
        return stated.within(self.purpose.decoded) if isinstance(stated, Requirement) else None

    def check_fit(
        self,
        specs: Sequence[FeatureSpec],
        encoded: Sequence[FeatureSpec],
        chain: Sequence[Mapping[str, Any]],
        image_size: Size,
    ) -> None:
        """Raise a CompositionError where the decoder cannot take the features."""
        requirement = self.requirement
        if requirement is not None and (unmet := requirement.unmet(specs)):
            where = f"aux_decoders.{self.name}" if self.name else "decoder"
            raise CompositionError(
                explain_misfit(where, self.owner, unmet, requirement, specs, encoded, chain, image_size)
            )

    def build(self, channels: list[int]) -> tuple[nn.Module, nn.Module]:
        """The decoder and its head, for features of so many channels.

        Raises:
            CompositionError: a head is to be built on a decoder that does not say what it gives.
        """
        decoder = self._build_decoder(list(channels))
        if self.head is None:
            return decoder, nn.Identity()
        decoded = getattr(decoder, "out_channels", None)
        if not isinstance(decoded, int):
            raise CompositionError(f"{self.owner} has no attribute `out_channels: int`, which its head is built on")
        kind = HEAD_REGISTRY.entry(self.head.name)
        if not isinstance(kind, HeadKind):
            raise NotRegisteredError(f"the head {self.head.name!r} is registered without saying what it is told")
        return decoder, kind.build(**{kind.size: decoded, kind.outputs: self.outputs, **self.head.arguments})

    def _build_decoder(self, channels: list[int]) -> nn.Module:
        given = self.decoder.name
        if isinstance(given, str):
            built: nn.Module = build_part(DECODER_REGISTRY, self.decoder, self.owner, "decoder_", channels)
        else:
            built = given(channels, **self.decoder.arguments) if is_constructor(given) else given
        return built
