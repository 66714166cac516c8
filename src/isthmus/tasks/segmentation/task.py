"""Semantic segmentation."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from isthmus.errors import ArgumentError, DataError, ShapeError, did_you_mean
from isthmus.models.base import AuxiliaryHead, ModelOutput
from isthmus.tasks.base import BaseTask
from isthmus.tasks.classes import count_classes, parse_colours
from isthmus.tasks.criteria import SEGMENTATION_LOSSES, build_criterion
from isthmus.tasks.metrics import SegmentationMetrics, TaskMetrics
from isthmus.tasks.valid_pixels import class_labels, match_shape

_SUFFIXES = {"prediction": "pred", "logits": "logits", "probabilities": "probabilities"}


class SemanticSegmentationTask(BaseTask):
    """Gives every pixel one of K classes.

    A batch holds `image` `(B, C, H, W)` or `(B, C, T, H, W)`, `mask` `(B, H, W)` or `(B, 1, H, W)` with labels in
    `[0, K)` or `ignore_index`, and `filename`; whatever else it holds goes to the model as keywords. The model gives
    logits `(B, K, H, W)`.

    After each validation and test epoch `confusion` holds the confusion matrix of "val" and "test" (or
    "test/<name>"), int64 `(K, K)`, rows truth, columns prediction. Classes that neither truth nor prediction hold are
    left out of mIoU, F1_Score and Accuracy, and have no scores of their own (NaN). Boundary_mIoU is computed for
    validation and test.

    Args:
        model_args: the arguments of the factory.
        model_factory: the name of a factory that builds the model.
        model: a ready model. It wins over the factory.
        loss: "ce", "jaccard", "focal", "dice" or "lovasz"; a list of them (summed), a dict of them with weights, or a
            module, which is called with logits and mask as they are.
        aux_heads: auxiliary heads, passed to the factory.
        aux_loss: the weight of the loss of each auxiliary head, by name; the stacks of a model weigh 1 each by default.
        class_weights: how much each class counts in the loss, one number a class.
        ignore_index: the label of pixels that count neither in losses nor in metrics; None where all count.
        lr: the learning rate.
        optimizer: the name of a class in `torch.optim`; Adam by default.
        optimizer_hparams: further arguments of the optimiser.
        scheduler: the name of a class in `torch.optim.lr_scheduler`.
        scheduler_hparams: arguments of the scheduler.
        freeze_backbone: whether the encoder is not trained.
        freeze_decoder: whether necks and decoder are not trained.
        freeze_head: whether the head is not trained.
        num_classes: the number of classes, where neither `model_args` nor `class_names` say it.
        class_names: the classes, in the order of their labels; their numbers by default.
        class_colors: a colour for each class, `#rrggbb` or (red, green, blue), for maps and pictures.
        test_dataloaders_names: a name for each test dataloader, where there are several.
        lr_overrides: learning rates by a part of the parameter name; the longest that matches wins.
        output_on_inference: what predictions hold, "prediction" (the class), "logits" or "probabilities", or a list
            of them.
        path_to_record_metrics: a folder in which `metrics.csv` collects the metrics of every epoch.

    Raises:
        ArgumentError: neither model nor factory is given, or an argument has no valid value.
    """

    task = "segmentation"
    target_key = "mask"

    def __init__(
        self,
        model_args: dict[str, Any] | None = None,
        model_factory: str | None = None,
        model: nn.Module | None = None,
        loss: str | list[str] | dict[str, float] | nn.Module = "ce",
        aux_heads: list[AuxiliaryHead | dict[str, Any]] | None = None,
        aux_loss: dict[str, float] | None = None,
        class_weights: list[float] | None = None,
        ignore_index: int | None = None,
        lr: float = 1e-3,
        optimizer: str | None = None,
        optimizer_hparams: dict[str, Any] | None = None,
        scheduler: str | None = None,
        scheduler_hparams: dict[str, Any] | None = None,
        freeze_backbone: bool = False,
        freeze_decoder: bool = False,
        freeze_head: bool = False,
        num_classes: int | None = None,
        class_names: list[str] | None = None,
        class_colors: list[str | list[int]] | None = None,
        test_dataloaders_names: list[str] | None = None,
        lr_overrides: dict[str, float] | None = None,
        output_on_inference: str | list[str] = "prediction",
        path_to_record_metrics: str | None = None,
    ) -> None:
        arguments = dict(locals())
        if model is None and model_factory is None:
            raise ArgumentError("A model_factory or a model (torch.nn.Module) must be provided.")
        self.num_classes = count_classes(num_classes, class_names, model_args)
        self.class_names = list(class_names or map(str, range(self.num_classes)))
        self.class_colors = parse_colours(class_colors, self.num_classes)
        self.ignore_index = ignore_index
        self.outputs = _check_outputs(output_on_inference)
        self.confusion: dict[str, Tensor] = {}
        super().__init__(
            build_criterion(loss, SEGMENTATION_LOSSES, ignore_index, _check_weights(class_weights, self.num_classes)),
            model=model,
            model_factory=model_factory,
            model_args={"num_classes": self.num_classes, **(model_args or {})},
            aux_heads=aux_heads,
            aux_loss=aux_loss,
            lr=lr,
            optimizer=optimizer,
            optimizer_hparams=optimizer_hparams,
            scheduler=scheduler,
            scheduler_hparams=scheduler_hparams,
            lr_overrides=lr_overrides,
            freeze_backbone=freeze_backbone,
            freeze_decoder=freeze_decoder,
            freeze_head=freeze_head,
            test_dataloaders_names=test_dataloaders_names,
            path_to_record_metrics=path_to_record_metrics,
        )
        self.store_hyperparameters(arguments)

    def make_metrics(self, split: str) -> SegmentationMetrics:
        """The metrics of a split; training goes without the boundary score, which would slow it."""
        return SegmentationMetrics(self.class_names, self.ignore_index, boundary=split != "train")

    def make_target(self, batch: Mapping[str, Any], output: ModelOutput) -> Tensor:
        """The mask of a batch, `(B, H, W)`.

        Raises:
            DataError: the batch has no mask.
            ShapeError: the model does not give K maps, or mask and maps do not cover the same pixels.
            LabelError: the mask holds a label outside the classes.
        """
        logits = output.output
        if self.target_key not in batch:
            raise DataError(f"the batch has no {self.target_key!r}; it has {', '.join(map(repr, batch))}")
        if logits.ndim != 4 or logits.shape[1] != self.num_classes:
            raise ShapeError(
                f"the model gives {tuple(logits.shape)}; expected (batch, {self.num_classes} classes, height, width)"
            )
        shape = (logits.shape[0], *logits.shape[2:])
        class_labels(batch["mask"], shape, self.num_classes, self.ignore_index, batch.get("filename"))
        return match_shape(batch["mask"], shape)

    def decide(self, output: ModelOutput) -> Tensor:
        """The class of each pixel, `(B, H, W)`."""
        return output.output.detach().max(1).indices  # many times faster than argmax on a CPU

    def keep(self, split: str, metrics: TaskMetrics) -> None:
        """Keep the confusion matrix of validation and test."""
        if split != "train" and isinstance(metrics, SegmentationMetrics):
            self.confusion[split] = metrics.confusion.compute().cpu().clone()

    def predict_step(self, batch: dict[str, Any], batch_idx: int) -> tuple[Any, list[str] | None]:  # noqa: ARG002
        """Predict a batch.

        Returns:
            `((tensor, suffix), filenames)`, or a list of such pairs where `output_on_inference` is a list. The suffix
            is "pred" for class maps `(B, H, W)` int64, "logits" or "probabilities" for `(B, K, H, W)` float32.

        Raises:
            DataError: an image holds NaN or infinite values.
        """
        output = self.predict_output(batch)
        if isinstance(self.outputs, str):
            return self._predicted(output, self.outputs), batch.get("filename")
        return [self._predicted(output, kind) for kind in self.outputs], batch.get("filename")

    def _predicted(self, output: ModelOutput, kind: str) -> tuple[Tensor, str]:
        if kind == "prediction":
            return self.decide(output), _SUFFIXES[kind]
        logits = output.output.float()  # also where the model computes in half precision
        return (logits.softmax(1) if kind == "probabilities" else logits), _SUFFIXES[kind]


def _check_outputs(outputs: str | list[str]) -> str | list[str]:
    for kind in [outputs] if isinstance(outputs, str) else outputs:
        if kind not in _SUFFIXES:
            hint = did_you_mean(kind, _SUFFIXES) or "."
            raise ArgumentError(f"output_on_inference has no {kind!r}{hint} It takes: {', '.join(_SUFFIXES)}")
    if not outputs:
        raise ArgumentError(f"output_on_inference is empty; it takes: {', '.join(_SUFFIXES)}")
    return outputs


def _check_weights(weights: list[float] | None, num_classes: int) -> list[float] | None:
    if weights is not None and len(weights) != num_classes:
        raise ArgumentError(f"{len(weights)} class_weights are given for {num_classes} classes")
    return weights
