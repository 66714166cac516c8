"""Whether objects marked by points were found: precision, recall, and how many were counted."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torchmetrics import Metric

from isthmus.tasks.keypoints.declaration import OF_OBJECTS
from isthmus.tasks.keypoints.targets import PointTarget
from isthmus.tasks.metrics import TaskMetrics


def match_points(
    found: npt.NDArray[np.floating], true: npt.NDArray[np.floating], max_distance: float
) -> npt.NDArray[np.float64]:
    """Match points one to one so that as many as can be are matched and, among those ways, the distances are least.

    Args:
        found: `(n, 2)`.
        true: `(m, 2)`.
        max_distance: what is further apart than this does not match.

    Returns:
        The distance of every match.
    """
    from scipy.optimize import linear_sum_assignment

    if not len(found) or not len(true):
        return np.empty(0)
    distances = np.linalg.norm(found[:, None].astype(np.float64) - true[None], axis=-1)
    apart = max_distance * (min(distances.shape) + 1)  # more than all matches together can cost
    chosen = linear_sum_assignment(np.where(distances <= max_distance, distances, apart))
    matched = distances[chosen]
    return np.asarray(matched[matched <= max_distance])


class PointMatches(Metric):
    """Counts the points of each name that were found, that are there, and that match.

    It adds up over batches and over devices, in numbers that every accelerator has: Apple's know no float64.

    Args:
        num_points: how many names there are.
        max_distance: how far apart a match may be, in pixels.
    """

    is_differentiable = False
    full_state_update = False
    counts: Tensor
    distance: Tensor

    COUNTED = ("hits", "found", "labelled", "miscounted", "images")

    def __init__(self, num_points: int, max_distance: float) -> None:
        super().__init__()
        self.max_distance = max_distance
        counts = torch.zeros(len(self.COUNTED), num_points, dtype=torch.int64)
        self.add_state("counts", counts, dist_reduce_fx="sum")
        self.add_state("distance", torch.zeros(num_points), dist_reduce_fx="sum")

    def update(
        self, found: Float[Tensor, "batch many points 2"], true: Float[Tensor, "batch instances points 2"]
    ) -> None:
        """Count a batch: points in pixels, NaN where there is none."""
        counts, distance = np.zeros(self.counts.shape, np.int64), np.zeros(len(self.distance))
        for found_here, true_here in zip(found.cpu().numpy(), true.cpu().numpy(), strict=True):
            for k in range(len(distance)):
                counted, apart = self._count(found_here[:, k], true_here[:, k])
                counts[:, k] += counted
                distance[k] += apart
        self.counts += torch.from_numpy(counts).to(self.counts.device)
        self.distance += torch.from_numpy(distance).float().to(self.distance.device)

    def compute(self) -> dict[str, Float[Tensor, " points"] | Int[Tensor, " points"]]:
        """The counts of `COUNTED` and the distance of all matches together, over all batches and devices."""
        return dict(zip(self.COUNTED, self.counts, strict=True)) | {"distance": self.distance}

    def _count(self, found: npt.NDArray[np.floating], true: npt.NDArray[np.floating]) -> tuple[tuple[int, ...], float]:
        found, true = (points[~np.isnan(points).any(-1)] for points in (found, true))
        matches = match_points(found, true, self.max_distance)
        return (len(matches), len(found), len(true), abs(len(found) - len(true)), 1), float(matches.sum())


class DetectionMetrics(TaskMetrics):
    """Scores of objects marked by points, many in an image.

    Predicted and true points are matched one to one within `match_distance`. `precision` is the share of predicted
    points that match, `recall` that of the true ones, `F1` their harmonic mean; `mean_error` is the distance of matches
    in pixels, and `count_error` by how many objects of a name an image is miscounted on average. Where there are
    several names, the scores are over all of them together, and `F1_<name>` for each. What has no cases is NaN.

    Args:
        point_names: the kinds of objects.
        match_distance: in pixels.
    """

    def __init__(self, point_names: Sequence[str], match_distance: float) -> None:
        super().__init__()
        self.point_names = list(point_names)
        self.matches = PointMatches(len(self.point_names), match_distance)

    @property
    def update_called(self) -> bool:
        """Whether any batch was counted since the last reset."""
        return self.matches.update_called

    def update(self, prediction: Float[Tensor, "batch many points 3"], target: PointTarget) -> None:
        """Count a batch: x, y and score of each point, and the true points."""
        self.matches.update(prediction[..., :2].float(), target.points)

    def compute(self) -> dict[str, Tensor]:
        """Every score by its name, over all batches and devices."""
        counts = self._counts()
        scores = _scores({name: count.sum() for name, count in counts.items()})
        if len(self.point_names) > 1:
            each = _scores(counts)["F1"]
            scores |= {f"F1_{name}": value for name, value in zip(self.point_names, each, strict=True)}
        return scores

    def per_name(self) -> dict[str, dict[str, float]]:
        """The scores of each name, and how many of it are labelled and were found."""
        counts = self._counts()
        table = _scores(counts)
        return {
            name: {score: float(values[k]) for score, values in table.items()}
            | {"labelled": int(counts["labelled"][k]), "found": int(counts["found"][k])}
            for k, name in enumerate(self.point_names)
        }

    def reset(self) -> None:
        """Forget every batch."""
        self.matches.reset()

    def _counts(self) -> dict[str, Tensor]:
        counts = self.matches.compute().items()
        return {name: count.cpu().double().reshape(-1) for name, count in counts}  # a single one comes without its axis


def _scores(counts: dict[str, Tensor]) -> dict[str, Tensor]:
    hits, found, labelled = (counts[name] for name in ("hits", "found", "labelled"))
    nothing = found + labelled == 0
    shares = hits / found.clamp_min(1), hits / labelled.clamp_min(1), 2 * hits / (found + labelled).clamp_min(1)
    values = (
        *(share.masked_fill(nothing, torch.nan) for share in shares),
        counts["distance"] / hits,
        counts["miscounted"] / counts["images"],
    )
    return dict(zip(OF_OBJECTS, values, strict=True))
