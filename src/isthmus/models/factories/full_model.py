"""`FullModelFactory`: models that are built as one, by name."""

from typing import Any, TypeGuard

from torch import nn

from isthmus.blocks.encoder_decoder import EncoderDecoder
from isthmus.errors import ArgumentError, CompositionError, UnknownTaskError, did_you_mean
from isthmus.models.base import Model
from isthmus.models.block_model import BlockModel
from isthmus.models.factories.parts import adapt_encoder, count_outputs, is_published
from isthmus.models.reconstruction import ReconstructionModel
from isthmus.plan.probe import check_image_size
from isthmus.plan.trace import check_composition
from isthmus.registry import FULL_MODEL_REGISTRY
from isthmus.signatures import check_arguments

TASKS = ("segmentation", "regression", "keypoints", "reconstruction")


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
        task = _check_task(task)
        entry = FULL_MODEL_REGISTRY.entry(model)
        signature, given = entry.signature(), dict(kwargs)
        if "num_outputs" in signature.names:
            given["num_outputs"] = _required(task, count_outputs(task, num_classes, num_outputs))
        check_arguments(signature, given, f"the model {model!r}")
        built = entry.build(**given)
        if _check_reconstructs(built, model, task):
            return built
        built = _as_model(built, model, task, rescale)
        if peft_config is not None:
            _adapt(built, model, peft_config, given)
        check_composition(built, check_image_size(getattr(built, "encoder", built)))
        return built


def _check_reconstructs(built: nn.Module, name: str, task: str) -> TypeGuard[ReconstructionModel]:
    """Whether a model reconstructs images, which is what the task reconstruction wants and no other."""
    reconstructs = isinstance(built, ReconstructionModel)
    if reconstructs != (task == "reconstruction"):
        does = "reconstructs images" if reconstructs else "does not reconstruct images"
        raise CompositionError(f"the full model {name!r} {does}, so it cannot be built for the task {task!r}")
    return reconstructs


def _as_model(built: nn.Module, name: str, task: str, rescale: bool | None) -> Model:
    if isinstance(built, EncoderDecoder):
        resized = task != "keypoints" if rescale is None else rescale
        return BlockModel(built, rescale=resized, squeeze_channel=task == "regression")
    if not isinstance(built, Model):
        raise CompositionError(f"the full model {name!r} is a {type(built).__name__}, which is no isthmus.models.Model")
    return built


def _adapt(built: Model, name: str, peft_config: dict[str, Any], arguments: dict[str, Any]) -> None:
    encoder = dict(built.named_children()).get("encoder")
    if encoder is None:
        raise ArgumentError(
            f"peft_config: the full model {name!r} has no encoder of its own to put adapters into; a model of "
            "EncoderDecoderFactory has one"
        )
    built.encoder = adapt_encoder(encoder, peft_config, base_is_published=is_published(name, arguments, encoder))


def _required(task: str, outputs: int | None) -> int:
    if outputs is None and task != "regression":
        raise ArgumentError(f"`num_classes` must be defined for a {task} task")
    return outputs or 1


def _check_task(task: str) -> str:
    lowered = task.lower()
    if lowered not in TASKS:
        raise UnknownTaskError(
            f"full models are built for {', '.join(TASKS)}, not for {task!r}{did_you_mean(lowered, TASKS) or '.'}"
        )
    return lowered
