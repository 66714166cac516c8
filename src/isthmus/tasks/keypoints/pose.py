"""How far the points of one instance are from where they should be."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities.data import dim_zero_cat

from isthmus.tasks.keypoints.declaration import scores_of_poses
from isthmus.tasks.keypoints.targets import PointTarget
from isthmus.tasks.metrics import TaskMetrics


class PointErrors(Metric):
    """Keeps the error of every point of every image, in pixels.

    It adds up over batches and over devices. An error is infinite where a labelled point was not found, minus infinite
    where a point was found that is not labelled, and NaN where there is none and none was found.
    """

    is_differentiable = False
    full_state_update = False
    errors: list[Tensor] | Tensor

    def __init__(self, num_points: int) -> None:
        super().__init__()
        self.num_points = num_points
        self.add_state("errors", [], dist_reduce_fx="cat")

    def update(self, found: Float[Tensor, "batch points 2"], true: Float[Tensor, "batch points 2"]) -> None:
        """Count a batch: points in pixels, NaN where there is none."""
        distance = torch.linalg.vector_norm(found.float() - true.float(), dim=-1)
        missing, absent = found.isnan().any(-1), true.isnan().any(-1)
        distance = distance.masked_fill(missing & ~absent, torch.inf).masked_fill(~missing & absent, -torch.inf)
        if isinstance(self.errors, list):
            self.errors.append(distance)

    def compute(self) -> Float[Tensor, "images points"]:
        """Every error so far."""
        return dim_zero_cat(self.errors) if len(self.errors) else torch.zeros(0, self.num_points)


class PoseMetrics(TaskMetrics):
    """Scores of poses: one instance of K points in an image.

    `mean_error` and `median_error` are in pixels, over the labelled points that were found; `missed` is the share of
    labelled points that were not. `PCK@t`, the percentage of correct keypoints (Yang & Ramanan 2013) as a share, counts
    the labelled points that were found at most t pixels away, those that were missed as wrong. `extra` is the share of
    points found among those that are not labelled. What has no cases is NaN.

    Args:
        point_names: the names of the K points.
        thresholds: the distances t in pixels.
    """

    def __init__(self, point_names: Sequence[str], thresholds: Sequence[float]) -> None:
        super().__init__()
        self.point_names = list(point_names)
        self.thresholds = list(thresholds)
        self.errors = PointErrors(len(self.point_names))

    @property
    def update_called(self) -> bool:
        """Whether any batch was counted since the last reset."""
        return self.errors.update_called

    def update(self, prediction: Float[Tensor, "batch one points 3"], target: PointTarget) -> None:
        """Count a batch: x, y and score of each point, and the true points."""
        self.errors.update(prediction[:, 0, :, :2], only_instance(target.points))

    def compute(self) -> dict[str, Tensor]:
        """Every score by its name, over all batches and devices."""
        errors = self._errors()
        means = {f"mean_error_{name}": _scores(errors[:, k], ())["mean_error"] for k, name in self._named()}
        return _scores(errors, self.thresholds) | means

    def per_name(self) -> dict[str, dict[str, float]]:
        """The scores of each point, and how often it is labelled."""
        errors = self._errors()
        return {
            name: {score: float(value) for score, value in _scores(errors[:, k], self.thresholds).items()}
            | {"labelled": int(_labelled(errors[:, k]).sum())}
            for k, name in self._named()
        }

    def reset(self) -> None:
        """Forget every batch."""
        self.errors.reset()

    def _errors(self) -> Tensor:
        return self.errors.compute().cpu().reshape(-1, len(self.point_names))  # a single one comes without its axes

    def _named(self) -> list[tuple[int, str]]:
        return list(enumerate(self.point_names))


def only_instance(points: Float[Tensor, "batch instances points 2"]) -> Float[Tensor, "batch points 2"]:
    """Each point of the one instance that has it, NaN where none does; the sum, where several do."""
    return points.nansum(1).masked_fill(points.isnan().all(1), torch.nan)


def _labelled(errors: Tensor) -> Tensor:
    return ~errors.isnan() & (errors != -torch.inf)


def _scores(errors: Tensor, thresholds: Sequence[float]) -> dict[str, Tensor]:
    labelled = errors[_labelled(errors)]
    found = labelled[labelled.isfinite()]
    absent = errors[~_labelled(errors)]
    values = (
        found.mean(),
        found.quantile(0.5) if len(found) else found.mean(),
        *(_share(labelled <= threshold) for threshold in thresholds),
        _share(labelled == torch.inf),
        _share(absent == -torch.inf),
    )
    return dict(zip(scores_of_poses(thresholds), values, strict=True))


def _share(hits: Tensor) -> Tensor:
    return hits.double().mean()
