"""`EncoderDecoderFactory`: from names and arguments to a model of encoder, necks, decoder and head."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from isthmus.errors import ArgumentError, CompositionError, UnknownTaskError, did_you_mean
from isthmus.models.base import AuxiliaryHead, Model
from isthmus.models.encoder_decoder import EncoderDecoderModel
from isthmus.models.factories.arguments import extract_prefix_keys, route_arguments
from isthmus.models.factories.parts import (
    PIXEL_TASKS,
    TASKS,
    DecoderChoice,
    build_encoder,
    build_head,
    check_head,
    count_outputs,
    give_outputs_to_decoder,
    resolve_necks,
    size_multiple,
)
from isthmus.models.necks import NeckSequential, build_neck_list
from isthmus.models.padding import MODES
from isthmus.models.pixel_wise import PixelWiseModel
from isthmus.models.scalar_output import ScalarOutputModel
from isthmus.plan.advice import explain_misfit
from isthmus.plan.probe import check_image_size, feature_specs, patch_size_of, size_multiple_of
from isthmus.plan.trace import check_composition
from isthmus.signatures import check_arguments, live_signature
from isthmus.specs.features import FeatureSpec, Requirement


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
            kwargs: prefixed arguments for the parts.

        Raises:
            ArgumentError: an argument is unknown, missing or left over; it is a ValueError and names the argument.
            UnknownNameError: a part is not registered.
            CompositionError: the parts do not fit together; it names the part, the shapes on both sides and, where
                there are some, the necks that would mend it.
        """
        task = _check_task(task)
        if decoder is None:
            raise ArgumentError(f"a decoder must be provided for the task {task!r}; IdentityDecoder adds nothing")
        outputs = count_outputs(task, num_classes, num_outputs)
        known = live_signature(self.build_model).names
        routed = route_arguments(
            kwargs, backbone=backbone_kwargs, decoder=decoder_kwargs, head=head_kwargs, known=known
        )
        padding = _padding(routed.backbone)
        choice = _Branch("", decoder, routed.decoder, routed.head, task, outputs)
        branches = [_auxiliary_branch(auxiliary, task, outputs) for auxiliary in aux_decoders or []]

        encoder = build_encoder(backbone, routed.backbone, peft_config)
        published = feature_specs(encoder)
        chain = resolve_necks(necks, published, choice.decoder.requirement)
        channels, specs, neck = _build_necks(chain, published)
        for branch in [choice, *branches]:
            branch.check_fit(specs, published, chain, check_image_size(encoder))
        model = _assemble(
            task,
            encoder,
            *choice.build(channels),
            map_arguments={
                "rescale": task != "keypoints" if rescale is None else rescale,
                "image_size_out": None if image_size_out is None else (*image_size_out,),
            },
            neck=neck,
            auxiliary_heads={branch.name: nn.Sequential(*branch.build(channels)) for branch in branches},
            patch_size=patch_size_of(encoder),
            size_multiple=size_multiple(size_multiple_of(encoder), specs),
            padding=padding,
        )
        model.necks = chain
        check_composition(model, check_image_size(encoder))
        return model


def _assemble(
    task: str,
    encoder: nn.Module,
    decoder: nn.Module,
    head: nn.Module,
    *,
    map_arguments: dict[str, Any],
    **shared: Any,
) -> EncoderDecoderModel:
    if task in PIXEL_TASKS:
        one_quantity = task == "regression"
        return PixelWiseModel(encoder, decoder, head, squeeze_channel=one_quantity, **map_arguments, **shared)
    return ScalarOutputModel(encoder, decoder, head, **shared)


class _Branch:
    """A decoder with its head: the main one, or an auxiliary one."""

    def __init__(
        self,
        name: str,
        decoder: str | type[nn.Module] | nn.Module,
        decoder_arguments: dict[str, Any],
        head_arguments: dict[str, Any],
        task: str,
        outputs: int | None,
    ) -> None:
        self.name = name
        self.where = f"aux_decoders.{name}" if name else "decoder"
        self.head_arguments = head_arguments
        self.task = task
        self.outputs = outputs
        self.decoder = DecoderChoice(decoder, dict(decoder_arguments), task, self.where)
        if self.decoder.includes_head:
            if head_arguments:
                raise ArgumentError(
                    f"{self.decoder.owner} includes its head, so there is none to take the head arguments "
                    f"{head_arguments}"
                )
            give_outputs_to_decoder(self.decoder, outputs or (1 if task == "regression" else None))
        else:
            check_head(task, outputs, head_arguments)
        self.decoder.check()

    def check_fit(
        self,
        specs: Sequence[FeatureSpec],
        encoded: Sequence[FeatureSpec],
        chain: Sequence[Mapping[str, Any]],
        image_size: tuple[int, int],
    ) -> None:
        """Raise a CompositionError where the decoder cannot take the features."""
        requirement: Requirement | None = self.decoder.requirement
        if requirement is not None and (unmet := requirement.unmet(specs)):
            raise CompositionError(
                explain_misfit(self.where, self.decoder.owner, unmet, requirement, specs, encoded, chain, image_size)
            )

    def build(self, channels: list[int]) -> tuple[nn.Module, nn.Module]:
        """The decoder and its head."""
        decoder = self.decoder.build(list(channels))
        if self.decoder.includes_head:
            return decoder, nn.Identity()
        decoded = getattr(decoder, "out_channels", None)
        if not isinstance(decoded, int):
            raise CompositionError(
                f"{self.decoder.owner} has no attribute `out_channels: int`, which its head is built on"
            )
        return decoder, build_head(self.task, decoded, self.outputs, self.head_arguments)


def _auxiliary_branch(given: AuxiliaryHead | Mapping[str, Any], task: str, outputs: int | None) -> _Branch:
    if not isinstance(given, AuxiliaryHead):
        check_arguments(live_signature(AuxiliaryHead), given, "an entry of aux_decoders")
    auxiliary = given if isinstance(given, AuxiliaryHead) else AuxiliaryHead(**given)
    decoder_arguments, rest = extract_prefix_keys(auxiliary.decoder_args, "decoder_")
    head_arguments, rest = extract_prefix_keys(rest, "head_")
    if rest:
        raise ArgumentError(
            f"aux_decoders.{auxiliary.name}: arguments {rest} were passed but not used; "
            "the arguments of an auxiliary head begin with decoder_ or head_"
        )
    return _Branch(auxiliary.name, auxiliary.decoder, decoder_arguments, head_arguments, task, outputs)


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


def _check_task(task: str) -> str:
    lowered = task.lower()
    if lowered not in TASKS:
        raise UnknownTaskError(
            f"the task {task!r} is not one of {', '.join(TASKS)}{did_you_mean(lowered, TASKS) or '.'}"
        )
    return lowered


def _padding(backbone_arguments: dict[str, Any]) -> str:
    padding = backbone_arguments.pop("padding", "reflect")
    if padding not in MODES:
        raise ArgumentError(f"backbone_padding is {padding!r}, which is none of {', '.join(MODES)}")
    return str(padding)
