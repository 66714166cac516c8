"""`EncoderDecoderFactory`: from names and arguments to a model of encoder, necks, decoder and head."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from torch import nn

from isthmus.composition import Composition
from isthmus.composition.composition import purpose_of
from isthmus.composition.encoder_decoder import FACTORY
from isthmus.errors import ArgumentError
from isthmus.models.base import AuxiliaryHead, Model
from isthmus.models.encoder_decoder import EncoderDecoderModel
from isthmus.models.factories.branches import DecoderBranch
from isthmus.models.factories.encoders import build_encoder
from isthmus.models.necks import NeckSequential, build_neck_list
from isthmus.plan.automatic_necks import derive_necks
from isthmus.plan.probe import feature_specs, input_spec, trial_size
from isthmus.plan.trace import check_composition
from isthmus.specs import FeatureSpec, Requirement, Scope


class EncoderDecoderFactory:
    """Builds a model from an encoder, necks, a decoder and the head of a task, and checks that they fit together.

    Arguments for a part are given with its prefix, `backbone_`, `decoder_` or `head_`, or together as a dict
    (`backbone_kwargs` and so on). Each is held against the constructor that takes it. `backbone_padding` says how
    images are padded to whole patches (reflect, replicate, constant or circular). `backbone_use_temporal: true` runs an
    encoder of single images on time series; `backbone_temporal_pooling`, `backbone_temporal_n_timestamps`,
    `backbone_temporal_subset_lengths` and `backbone_temporal_features_permute_op` are the arguments of the
    `isthmus.models.TemporalWrapper` that does it.
    """

    def build_model(
        self,
        task: str,
        backbone: str | nn.Module,
        decoder: str | type[nn.Module] | nn.Module | None = None,
        backbone_kwargs: dict[str, Any] | None = None,
        decoder_kwargs: dict[str, Any] | None = None,
        head_kwargs: dict[str, Any] | None = None,
        num_classes: int | None = None,
        necks: Sequence[Mapping[str, Any]] | str | None = None,
        aux_decoders: Sequence[AuxiliaryHead | Mapping[str, Any]] | None = None,
        rescale: bool | None = None,
        peft_config: dict[str, Any] | None = None,
        *,
        num_outputs: int | None = None,
        image_size_out: Sequence[int] | None = None,
        head: str | None = None,
        **kwargs: Any,
    ) -> Model:
        """Build a model.

        Args:
            task: segmentation, regression, keypoints, classification or scalar_regression.
            backbone: a name in the backbone registry, or an encoder.
            decoder: a name in the decoder registry, a decoder class, or a decoder.
            backbone_kwargs: arguments of the backbone, instead of `backbone_...`.
            decoder_kwargs: arguments of the decoder, instead of `decoder_...`.
            head_kwargs: arguments of the head, instead of `head_...`.
            num_classes: how many classes (segmentation, classification) or maps (keypoints) there are.
            necks: what stands between encoder and decoder: dicts with a `name` and the arguments of the neck; "auto"
                derives the shortest chain that fits.
            aux_decoders: further decoders with heads of their own, for auxiliary losses.
            rescale: whether a map is resized to the image; by default it is, but for keypoints.
            peft_config: adapters to train in the place of the encoder: `method`, `replace_qkv` and
                `peft_config_kwargs`; see `isthmus.models.adapters.AdaptedEncoder`.
            num_outputs: how many quantities there are (regression, scalar_regression).
            image_size_out: (height, width) of the middle of the image to map, where the rest only gives context.
            head: a name in the head registry; the head of the task where None.
            kwargs: prefixed arguments for the parts.

        Raises:
            ArgumentError: an argument is unknown, missing or left over; it is a ValueError and names the argument.
            UnknownNameError: a part is not registered.
            CompositionError: the parts do not fit together; it names the part, the shapes on both sides and, where
                there are some, the necks that would mend it.
        """
        arguments = {name: value for name, value in locals().items() if name not in ("self", "task", "kwargs")}
        return self.build(Composition.parse({**arguments, **kwargs}, task, FACTORY).checked())

    def build(self, composition: Composition) -> Model:
        """Build the model of a composition without problems.

        Raises:
            ArgumentError: a part does not take an argument after all, or arguments contradict each other.
            CompositionError: the parts do not fit together.
        """
        if composition.backbone is None or composition.decoder is None:
            raise ArgumentError("a composition needs a backbone and a decoder")
        purpose, outputs = purpose_of(composition.purpose), composition.outputs
        main = DecoderBranch(composition.decoder, composition.head, purpose, outputs)
        branches = [DecoderBranch(b.decoder, b.head, purpose, outputs, b.name) for b in composition.auxiliary]
        encoder = build_encoder(composition.backbone, composition.time, composition.adapters)
        published, takes = feature_specs(encoder), input_spec(encoder)
        chain = _resolve_necks(composition.necks, published, main.requirement)
        channels, specs, neck = _build_necks(chain, published)
        for branch in [main, *branches]:
            branch.check_fit(specs, published, chain, trial_size(takes))
        multiple = size_multiple(takes.multiple, specs)
        maps = {
            "rescale": composition.rescale,
            "squeeze_channel": purpose.squeeze,
            "image_size_out": composition.image_size_out,
        }
        model: EncoderDecoderModel = purpose.load()(
            encoder,
            *main.build(channels),
            neck=neck,
            auxiliary_heads={branch.name: nn.Sequential(*branch.build(channels)) for branch in branches},
            patch_size=None if takes.multiple is None else list(takes.multiple),
            size_multiple=None if multiple is None else list(multiple),
            padding=composition.padding,
            **(maps if purpose.scope is Scope.PIXEL else {}),
        )
        model.necks = chain
        model.composition, model.input_spec = composition, replace(takes, multiple=multiple)
        check_composition(model, trial_size(takes))
        return model


def size_multiple(multiple: tuple[int, int, int] | None, specs: Sequence[FeatureSpec]) -> tuple[int, int, int] | None:
    """What frames, height and width must be multiples of for an encoder and the necks behind it.

    Images must be cut into whole patches, or whatever the encoder asks for, and into whole cells of the coarsest level
    that the necks make.
    """
    if multiple is None:
        return None
    frames, height, width = multiple
    for vertical, horizontal in (spec.stride for spec in specs if spec.stride is not None):
        height, width = math.lcm(height, math.ceil(vertical)), math.lcm(width, math.ceil(horizontal))
    return frames, height, width


def _resolve_necks(
    necks: Sequence[Mapping[str, Any]] | str, specs: Sequence[FeatureSpec], requirement: Requirement | None
) -> list[dict[str, Any]]:
    """The necks of a composition as a list, derived where it says `auto`."""
    if isinstance(necks, str):
        return derive_necks(specs, requirement or Requirement())
    return [dict(neck) for neck in necks]


def _build_necks(
    chain: list[dict[str, Any]], specs: Sequence[FeatureSpec]
) -> tuple[list[int], list[FeatureSpec], nn.Module | None]:
    necks, outgoing = [], list(specs)
    for described in chain:
        (neck,), _ = build_neck_list([described], [spec.out_channels for spec in outgoing])
        outgoing = list(neck.process_specs(outgoing))
        necks.append(neck)
    channels = [spec.out_channels for spec in outgoing]
    return channels, outgoing, NeckSequential(*necks) if necks else None
