"""`FullModelFactory`: models that are built as one, by name."""

from collections.abc import Mapping
from typing import Any, TypeGuard

from torch import nn

from isthmus.blocks.encoder_decoder import EncoderDecoder
from isthmus.composition import Composition, Part
from isthmus.composition.composition import purpose_of
from isthmus.composition.full_model import FACTORY, OUTPUTS
from isthmus.errors import ArgumentError, CompositionError
from isthmus.models.base import Model
from isthmus.models.block_model import BlockModel
from isthmus.models.factories.encoders import adapt_encoder, build_part, is_published
from isthmus.models.reconstruction import ReconstructionModel
from isthmus.plan.probe import input_spec, trial_size
from isthmus.plan.trace import check_composition
from isthmus.registry import FULL_MODEL_REGISTRY
from isthmus.registry.kinds import Purpose


class FullModelFactory:
    """Builds a model that is registered as a whole, for a task.

    The arguments of the model are given as they are, without a prefix, and held against its constructor.
    """

    def build_model(
        self,
        task: str,
        model: str,
        num_classes: int | None = None,
        rescale: bool | None = None,
        peft_config: dict[str, Any] | None = None,
        *,
        num_outputs: int | None = None,
        **kwargs: Any,
    ) -> Model | ReconstructionModel:
        """Build a model.

        Args:
            task: segmentation, regression, keypoints or reconstruction.
            model: a name in the registry of full models.
            num_classes: how many classes (segmentation) or maps (keypoints) there are.
            rescale: whether a prediction of a coarser stride is resized to the image; by default it is, but for
                keypoints.
            peft_config: adapters to train in the place of the encoder; see `EncoderDecoderFactory`.
            num_outputs: how many quantities there are (regression); elsewhere the same as `num_classes`.
            kwargs: arguments of the model.

        Raises:
            ArgumentError: an argument is unknown or missing.
            UnknownNameError: the model is not registered.
            CompositionError: the model is none that a task can train.
        """
        arguments = {name: value for name, value in locals().items() if name not in ("self", "task", "kwargs")}
        return self.build(Composition.parse({**arguments, **kwargs}, task, FACTORY).checked())

    def build(self, composition: Composition) -> Model | ReconstructionModel:
        """Build the model of a composition without problems.

        Raises:
            ArgumentError: the model does not take an argument after all.
            CompositionError: the model is none that such a task can train.
        """
        if composition.model is None:
            raise ArgumentError("a composition for this factory needs a model")
        name, purpose = composition.model.name, purpose_of(composition.purpose)
        signature = FULL_MODEL_REGISTRY.entry(name).signature()
        outputs = {OUTPUTS: composition.outputs} if OUTPUTS in signature.names else {}
        whole = Part(name, {**composition.model.arguments, **outputs})
        built = build_part(FULL_MODEL_REGISTRY, whole, f"the model {name!r}", "")
        if _check_reconstructs(built, name, purpose):
            built.composition = composition
            return built
        model = _as_model(built, name, composition, purpose)
        if composition.adapters is not None:
            _adapt(model, composition.model, composition.adapters)
        takes = input_spec(getattr(model, "encoder", model))
        model.composition, model.input_spec = composition, takes
        check_composition(model, trial_size(takes))
        return model


def _check_reconstructs(built: nn.Module, name: str, purpose: Purpose) -> TypeGuard[ReconstructionModel]:
    """Whether a model reconstructs images, which is what the task reconstruction wants and no other."""
    reconstructs = isinstance(built, ReconstructionModel)
    if reconstructs != issubclass(purpose.load(), ReconstructionModel):  # type: ignore[arg-type]
        does = "reconstructs images" if reconstructs else "does not reconstruct images"
        raise CompositionError(f"the full model {name!r} {does}, so it cannot be built for the task {purpose.name!r}")
    return reconstructs


def _as_model(built: nn.Module, name: str, composition: Composition, purpose: Purpose) -> Model:
    if isinstance(built, EncoderDecoder):
        return BlockModel(built, rescale=composition.rescale, squeeze_channel=purpose.squeeze)
    if not isinstance(built, Model):
        raise CompositionError(f"the full model {name!r} is a {type(built).__name__}, which is no isthmus.models.Model")
    return built


def _adapt(built: Model, part: Part, peft_config: Mapping[str, Any]) -> None:
    encoder = dict(built.named_children()).get("encoder")
    if encoder is None:
        raise ArgumentError(
            f"peft_config: the full model {part.name!r} has no encoder of its own to put adapters into; a model of "
            "EncoderDecoderFactory has one"
        )
    built.encoder = adapt_encoder(encoder, peft_config, base_is_published=is_published(part, encoder))
