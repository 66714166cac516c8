"""Keypoints."""

from collections.abc import Mapping
from typing import Any

from torch import nn

from isthmus.errors import ArgumentError, ShapeError
from isthmus.models.base import ModelOutput
from isthmus.models.padding import image_size
from isthmus.predictions.peaks import REFINEMENTS
from isthmus.specs import Points
from isthmus.tasks.base import BaseTask
from isthmus.tasks.criteria import Loss
from isthmus.tasks.keypoints.declaration import DISTANCES, KEYPOINTS, points_of
from isthmus.tasks.keypoints.detection import DetectionMetrics
from isthmus.tasks.keypoints.losses import KeypointCriterion
from isthmus.tasks.keypoints.pose import PoseMetrics
from isthmus.tasks.keypoints.targets import PointTarget, check_points
from isthmus.tasks.targets import truth_of


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

    Args:
        model_args: see `BaseTask`, as for all that is not listed here.
        model_factory: likewise.
        model: likewise.
        point_names: the names of the K points, in the order of the data.
        sigma: how wide the peaks are that the model learns: the standard deviation in pixels of the image.
        loss: the name of a loss of confidence, "balanced" (see `BalancedSquaredError`) or "mse", several of them as for
            other tasks, or a module, which is called with predicted and true maps. "mse" is the field's choice, and as
            good where points are not small and layers begin well; with PyTorch's default initialisation and a sigma of
            a few pixels its maps stay empty for long or for good.
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
        training: see `BaseTask`.

    Raises:
        ArgumentError: neither model nor factory is given, or an argument has no valid value.
    """

    kind = KEYPOINTS
    output_spec: Points

    def __init__(
        self,
        model_args: dict[str, Any] | None = None,
        model_factory: str | None = None,
        model: nn.Module | None = None,
        loss: Loss = "balanced",
        *,
        point_names: list[str],
        sigma: float = 5.0,
        offsets: bool = False,
        peak_threshold: float = 0.2,
        refine: str | None = None,
        max_instances: int = 1,
        min_distance: float | None = None,
        pck_thresholds: list[float] | None = None,
        match_distance: float = 10.0,
        **training: Any,
    ) -> None:
        self.pck_thresholds = list(DISTANCES if pck_thresholds is None else pck_thresholds)
        self.match_distance = match_distance
        super().__init__(dict(locals()), model_args, model_factory, model, **training)

    @property
    def point_names(self) -> list[str]:
        """The K points, in the order of the data."""
        return list(self.output_spec.names)

    def describe(self, given: Mapping[str, Any]) -> Points:
        """The points, and how peaks are found."""
        points = points_of(given)
        if points.refine not in REFINEMENTS or (points.refine == "offsets" and not points.offsets):
            known = ", ".join(name for name in REFINEMENTS if name != "offsets" or points.offsets)
            raise ArgumentError(f"refine is {points.refine!r}; expected one of {known}", argument="refine")
        return points

    def make_criterion(self, given: Mapping[str, Any]) -> KeypointCriterion:
        """The loss between maps and the points that they are of."""
        points = self.output_spec
        return KeypointCriterion(given["loss"], len(points.names), given["sigma"], offsets=points.offsets)

    def make_metrics(self, split: str) -> PoseMetrics | DetectionMetrics:  # noqa: ARG002
        """The metrics of a split: of poses or, with several instances, of detections."""
        if self.output_spec.max_instances == 1:
            return PoseMetrics(self.point_names, self.pck_thresholds)
        return DetectionMetrics(self.point_names, self.match_distance)

    def forward(self, x: Any, **kwargs: Any) -> ModelOutput:
        """The maps of a batch of images.

        Raises:
            ShapeError: the model does not give so many maps, or they do not lie on the images.
        """
        output = super().forward(x, **kwargs)
        self._check_padding(image_size(x), (output.output.shape[-2], output.output.shape[-1]))
        return output

    def make_target(self, batch: Mapping[str, Any], output: ModelOutput) -> PointTarget:
        """The true points of a batch.

        Raises:
            DataError: the batch has no keypoints, or an image holds more of a name than `max_instances`.
            ShapeError: they are not `(B, N, K, 2)`.
            LabelError: a point is infinite, or only half of it is NaN.
        """
        points, size = truth_of(batch, self.kind.batch), image_size(batch["image"])
        check_points(points, len(output.output), self.output_spec, batch.get("filename"))
        return PointTarget(points, size)

    def _check_padding(self, size: tuple[int, int], map_size: tuple[int, int]) -> None:
        """Refuse maps of images that the model has padded on all sides: their cells lie between those of the image."""
        said = getattr(self.model, "input_spec", None)
        multiple = getattr(self.model, "size_multiple", None) or getattr(said, "multiple", None)
        if multiple is None or map_size == size:
            return
        sides = [multiple] * 2 if isinstance(multiple, int) else ([*multiple] * 2)[-2:]
        if any(side % each for side, each in zip(size, sides, strict=True)):
            raise ShapeError(
                f"images of {size} (height, width) are padded to multiples of {tuple(sides)} by the model, so that the "
                "cells of its maps do not lie on the pixels of the image; crop or pad them in a transform, or set "
                "model_args.rescale: true"
            )
