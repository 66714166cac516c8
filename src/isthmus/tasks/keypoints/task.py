"""Keypoints."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from isthmus.errors import ArgumentError, DataError, LabelError, ShapeError
from isthmus.models.base import AuxiliaryHead, ModelOutput
from isthmus.models.padding import image_size
from isthmus.tasks.base import BaseTask
from isthmus.tasks.keypoints.detection import DetectionMetrics
from isthmus.tasks.keypoints.losses import KeypointCriterion
from isthmus.tasks.keypoints.peaks import REFINEMENTS, find_peaks
from isthmus.tasks.keypoints.pose import PoseMetrics
from isthmus.tasks.keypoints.targets import PointTarget, output_stride
from isthmus.tasks.metrics import TaskMetrics


@dataclass
class KeypointOutput(ModelOutput):
    """Maps, and the size of the images that they are of.

    Attributes:
        image_size: (height, width) in pixels.
    """

    image_size: tuple[int, int] = (0, 0)

    @property
    def stride(self) -> int:
        """How many pixels lie between two cells of the maps.

        Raises:
            ShapeError: no whole number.
        """
        return output_stride(self.image_size, self.output.shape[-2:])


class KeypointTask(BaseTask):
    """Finds named points: the joints of one animal, or many objects that are marked by a point each.

    The model gives one map a point name, which says how near each cell is to such a point (see `confidence_maps`), at
    the stride that it has: 1, 2, 4 or whatever whole number. The factory is told how many maps it takes, and not to
    resize them. Auxiliary outputs, such as those of stacked networks, are compared to the same points at their own
    stride.

    A batch holds `image` `(B, C, H, W)` and `keypoints` `(B, N, K, 2)`: N instances of the K points, (x, y) = (column,
    row) in pixels of the image, where whole numbers are the centres of pixels and NaN stands for points that are not
    there (not visible, not labelled: both are learnt as "not there"); and `filename`. What else it holds goes to the
    model as keywords.

    With `max_instances` 1, an image holds one instance, and the scores are those of `PoseMetrics`; with more, each map
    holds so many points at most, which are not joined into instances, and the scores are those of `DetectionMetrics`.
    After each validation and test epoch `point_scores` holds the scores of each point name.

    Args:
        model_args: the arguments of the factory.
        model_factory: the name of a factory that builds the model.
        model: a ready model. It wins over the factory.
        point_names: the names of the K points, in the order of the data.
        sigma: how wide the peaks are that the model learns: the standard deviation in pixels of the image.
        loss: "balanced" (see `BalancedSquaredError`), "mse", or a module, which is called with predicted and true maps.
            "mse" is the field's choice, and as good where points are not small and layers begin well; with PyTorch's
            default initialisation and a sigma of a few pixels its maps stay empty for long or for good.
        offsets: whether the model also learns the vector from each cell near a point to that point, in 2 K further
            maps, and places points by them.
        peak_threshold: peaks that are not higher are no points.
        refine: how a peak is placed within its cell, see `find_peaks`; by "offsets" where there are some, else by
            "quadratic".
        max_instances: how many points of a name an image holds at most.
        min_distance: how near to each other two points of a name can be, in pixels; sigma by default. For several
            instances.
        pck_thresholds: the distances in pixels at which PCK is given. For one instance.
        match_distance: how far from a true point a predicted one may be to count as the same, in pixels. For several
            instances.
        aux_heads: auxiliary heads, passed to the factory.
        aux_loss: the weight of the loss of each auxiliary head, by name; the stacks of a model weigh 1 each by default.
        lr: the learning rate.
        optimizer: the name of a class in `torch.optim`; Adam by default.
        optimizer_hparams: further arguments of the optimiser.
        scheduler: the name of a class in `torch.optim.lr_scheduler`.
        scheduler_hparams: arguments of the scheduler.
        freeze_backbone: whether the encoder is not trained.
        freeze_decoder: whether necks and decoder are not trained.
        freeze_head: whether the head is not trained.
        test_dataloaders_names: a name for each test dataloader, where there are several.
        lr_overrides: learning rates by a part of the parameter name; the longest that matches wins.
        path_to_record_metrics: a folder in which `metrics.csv` collects the metrics of every epoch.

    Raises:
        ArgumentError: neither model nor factory is given, or an argument has no valid value.
    """

    task = "keypoints"
    target_key = "keypoints"

    def __init__(
        self,
        model_args: dict[str, Any] | None = None,
        model_factory: str | None = None,
        model: nn.Module | None = None,
        *,
        point_names: list[str],
        sigma: float = 5.0,
        loss: str | nn.Module = "balanced",
        offsets: bool = False,
        peak_threshold: float = 0.2,
        refine: str | None = None,
        max_instances: int = 1,
        min_distance: float | None = None,
        pck_thresholds: list[float] | None = None,
        match_distance: float = 10.0,
        aux_heads: list[AuxiliaryHead | dict[str, Any]] | None = None,
        aux_loss: dict[str, float] | None = None,
        lr: float = 1e-3,
        optimizer: str | None = None,
        optimizer_hparams: dict[str, Any] | None = None,
        scheduler: str | None = None,
        scheduler_hparams: dict[str, Any] | None = None,
        freeze_backbone: bool = False,
        freeze_decoder: bool = False,
        freeze_head: bool = False,
        test_dataloaders_names: list[str] | None = None,
        lr_overrides: dict[str, float] | None = None,
        path_to_record_metrics: str | None = None,
    ) -> None:
        arguments = dict(locals())
        self.point_names = _check_names(point_names)
        self.sigma, self.offsets, self.peak_threshold = sigma, offsets, peak_threshold
        self.refine = refine or ("offsets" if offsets else "quadratic")
        self.max_instances, self.match_distance = max_instances, match_distance
        self.min_distance = sigma if min_distance is None else min_distance
        self.pck_thresholds = [2.0, 5.0, 10.0] if pck_thresholds is None else list(pck_thresholds)
        self.point_scores: dict[str, dict[str, dict[str, float]]] = {}
        self._check_values()
        super().__init__(
            KeypointCriterion(loss, len(self.point_names), sigma, offsets=offsets),
            model=model,
            model_factory=model_factory,
            model_args=self._tell_maps(model_args or {}),
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

    @property
    def num_maps(self) -> int:
        """How many maps the model gives: one a point name, and with offsets two more."""
        return len(self.point_names) * (3 if self.offsets else 1)

    def make_metrics(self, split: str) -> PoseMetrics | DetectionMetrics:  # noqa: ARG002
        """The metrics of a split: of poses or, with several instances, of detections."""
        if self.max_instances == 1:
            return PoseMetrics(self.point_names, self.pck_thresholds)
        return DetectionMetrics(self.point_names, self.match_distance)

    def forward(self, x: Any, **kwargs: Any) -> KeypointOutput:
        """The maps of a batch of images.

        Raises:
            ShapeError: the model does not give so many maps, or they do not lie on the images.
        """
        output, size = super().forward(x, **kwargs), image_size(x)
        maps = output.output
        if maps.ndim != 4 or maps.shape[1] != self.num_maps:
            raise ShapeError(
                f"the model gives {tuple(maps.shape)}; expected (batch, {self.num_maps} maps, height, width)"
            )
        self._check_padding(size, (maps.shape[-2], maps.shape[-1]))
        return KeypointOutput(maps, output.auxiliary_heads, size)

    def make_target(self, batch: Mapping[str, Any], output: ModelOutput) -> PointTarget:
        """The true points of a batch.

        Raises:
            DataError: the batch has no keypoints, or an image holds more of a name than `max_instances`.
            ShapeError: they are not `(B, N, K, 2)`.
            LabelError: a point is infinite, or only half of it is NaN.
        """
        if self.target_key not in batch:
            raise DataError(f"the batch has no {self.target_key!r}; it has {', '.join(map(repr, batch))}")
        points, names = batch[self.target_key], self.point_names
        wanted = (len(output.output), len(names), 2)
        if points.ndim != 4 or (points.shape[0], *points.shape[2:]) != wanted:
            raise ShapeError(
                f"keypoints have the shape {tuple(points.shape)}; expected ({wanted[0]}, instances, {len(names)}, 2): "
                f"images, instances, the points {', '.join(names)}, and x and y"
            )
        _check_points(points, self.max_instances, batch.get("filename"))
        return PointTarget(points, image_size(batch["image"]))

    def decide(self, output: ModelOutput) -> Tensor:
        """The points that the model finds, `(B, N, K, 3)`: x and y in pixels and the height of the peak.

        Points are NaN where there is none; N is `max_instances`, or fewer where maps have no more cells.
        """
        if not isinstance(output, KeypointOutput):
            raise ArgumentError("points are decided on what the task itself gives for images, which knows their size")
        stride, count = output.stride, len(self.point_names)
        maps = output.output.float()
        points, scores = find_peaks(
            maps[:, :count],
            stride,
            threshold=self.peak_threshold,
            refine=self.refine,
            max_instances=self.max_instances,
            radius=max(1, round(self.min_distance / stride)),
            offsets=maps[:, count:] if self.offsets else None,
        )
        return torch.cat([points, scores.unsqueeze(-1)], -1)

    def keep(self, split: str, metrics: TaskMetrics) -> None:
        """Keep the scores of each point name of validation and test."""
        if split != "train" and isinstance(metrics, PoseMetrics | DetectionMetrics):
            self.point_scores[split] = metrics.per_point()

    def predict_step(self, batch: dict[str, Any], batch_idx: int) -> tuple[Any, list[str] | None]:  # noqa: ARG002
        """Predict a batch.

        Returns:
            `((points, "points"), filenames)`, with the points as `decide` gives them.

        Raises:
            DataError: an image holds NaN or infinite values.
        """
        return (self.decide(self.predict_output(batch)), "points"), batch.get("filename")

    # --- checks -------------------------------------------------------------------------------------------------------

    def _check_values(self) -> None:
        numbers = {"sigma": self.sigma, "max_instances": self.max_instances, "match_distance": self.match_distance}
        for name, value in numbers.items():
            if value <= 0:
                raise ArgumentError(f"{name} is {value}; more than 0 was expected")
        if self.refine not in REFINEMENTS or (self.refine == "offsets" and not self.offsets):
            known = [name for name in REFINEMENTS if name != "offsets" or self.offsets]
            raise ArgumentError(f"refine is {self.refine!r}; expected one of {', '.join(known)}")

    def _tell_maps(self, model_args: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments of the factory with the number of maps."""
        told = {name: model_args[name] for name in ("num_classes", "num_outputs") if model_args.get(name) is not None}
        for name, count in told.items():
            if count != self.num_maps:
                offsets = " and as many offsets along x and along y" if self.offsets else ""
                raise ArgumentError(
                    f"model_args.{name} is {count}, but the {len(self.point_names)} points "
                    f"{', '.join(self.point_names)} take {self.num_maps} maps: one each{offsets}"
                )
        if model_args.get("image_size_out") is not None:
            raise ArgumentError("model_args.image_size_out: maps of keypoints cover the whole image")
        return dict(model_args) if told else {"num_classes": self.num_maps, **model_args}

    def _check_padding(self, size: tuple[int, int], map_size: tuple[int, int]) -> None:
        """Refuse maps of images that the model has padded on all sides: their cells lie between those of the image."""
        multiple = getattr(self.model, "size_multiple", None)
        if multiple is None or map_size == size:
            return
        sides = [multiple] * 2 if isinstance(multiple, int) else ([*multiple] * 2)[-2:]
        if any(side % each for side, each in zip(size, sides, strict=True)):
            raise ShapeError(
                f"images of {size} (height, width) are padded to multiples of {tuple(sides)} by the model, so that the "
                "cells of its maps do not lie on the pixels of the image; crop or pad them in a transform, or set "
                "model_args.rescale: true"
            )


def _check_names(names: Sequence[str]) -> list[str]:
    if not names or len(set(names)) != len(names):
        raise ArgumentError(f"point_names is {list(names)}; expected at least one name, and each once")
    return list(names)


def _check_points(points: Tensor, max_instances: int, filenames: Sequence[str] | None) -> None:
    absent = points.isnan()
    broken = (absent[..., 0] != absent[..., 1]) | points.isinf().any(-1)
    labelled = (~absent).all(-1).sum(1)  # (images, points)
    most, any_broken = torch.stack([labelled.max(), broken.sum()]).tolist()
    if any_broken:
        raise LabelError(f"keypoints are infinite or half NaN in {_named(broken.flatten(1).any(1), filenames)}")
    if most > max_instances:
        raise DataError(
            f"{_named((labelled > max_instances).any(1), filenames)}: up to {most} points of one name are labelled, "
            f"but max_instances is {max_instances}; set it to the most that an image holds"
        )


def _named(bad: Tensor, filenames: Sequence[str] | None) -> str:
    numbers = bad.nonzero().flatten().tolist()
    return ", ".join(str(filenames[number]) if filenames else f"sample {number}" for number in numbers)
