"""The meaning of confidence maps of named points."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from isthmus.errors import DataError
from isthmus.models.base import ModelOutput
from isthmus.predictions.meaning import Meaning, PredictedSample
from isthmus.predictions.palette import point_colors
from isthmus.predictions.peaks import find_peaks
from isthmus.predictions.place import Place
from isthmus.predictions.point_files import write_points_layer, write_points_table
from isthmus.predictions.point_pictures import KeypointSample, draw_keypoints
from isthmus.predictions.windows import Window, merge_points
from isthmus.specs import Points


class PointMeaning(Meaning[Points]):
    """Named points: confidence maps `(B, K, h, w)`, behind which there may be offsets `(B, 2 K, h, w)`.

    The output must say how large the images are, from which the stride of the maps follows.
    """

    each = "point"

    def decide(self, output: ModelOutput) -> Tensor:
        """The points, `(B, N, K, 3)`: x and y in pixels and the height of the peak.

        Points are NaN where there is none; N is `max_instances`, or fewer where maps have no more cells.

        Raises:
            ShapeError: the maps do not lie on the images, or the output does not say how large those are.
        """
        spec, count = self.spec, len(self.spec.names)
        stride, maps = output.stride, output.output.float()
        points, scores = find_peaks(
            maps[:, :count],
            stride,
            threshold=spec.threshold,
            refine=spec.refine,
            max_instances=spec.max_instances,
            radius=max(1, round(spec.min_distance / stride)),
            offsets=maps[:, count:] if spec.offsets else None,
        )
        return torch.cat([points, scores.unsqueeze(-1)], -1)

    def _named(self, output: ModelOutput, kind: str) -> tuple[Tensor, str]:  # noqa: ARG002
        return self.decide(output), "points"

    def blend(self, windows: Sequence[Window], size: tuple[int, int]) -> Tensor:  # noqa: ARG002
        """The points of all windows `(M, K, 3)`, each once, where the windows hold what was decided in each."""
        return merge_points(windows, self.spec.min_distance)

    def write(self, values: Tensor, suffix: str, place: Place) -> list[Path]:
        """A table and, for an image with a place on the Earth, a layer of a map.

        Raises:
            DataError: the model has seen the image in another size, so that the points would not lie on it.
        """
        from isthmus.rasters.header import read_info

        info = read_info(place.image)
        if (info.height, info.width) != place.size:
            raise DataError(
                f"{place.image} is {info.height} x {info.width} pixels (height, width), but was predicted as "
                f"{place.size[0]} x {place.size[1]}: the points would not lie on the file; predict without a transform "
                "that resizes"
            )
        points, names = values.float().cpu().numpy(), self.spec.names
        written = [place.file(f"{suffix}.csv")]
        write_points_table(written[0], points, names)
        if info.transform is not None and info.crs is not None:
            written.append(place.file(f"{suffix}.geojson"))
            write_points_layer(written[1], points, names, info.transform, info.crs)
        return written

    def draw(
        self, path: Path, samples: Sequence[PredictedSample], *, title: str, rgb_indices: Sequence[int] = (0, 1, 2)
    ) -> None:
        """The image with the true and the predicted points, and the confidence."""
        names = self.spec.names
        found = [self._drawn(sample) for sample in samples]
        draw_keypoints(path, found, names, point_colors(len(names)), title=title, rgb_indices=rgb_indices)

    def _drawn(self, sample: PredictedSample) -> KeypointSample:
        return KeypointSample(
            sample.image,
            None if sample.truth is None else sample.truth[0].float().cpu().numpy(),
            self.decide(sample.output)[0, :, :, :2].cpu().numpy(),
            sample.output.output[0, : len(self.spec.names)].float().cpu().numpy(),
            sample.output.stride,
            sample.name,
        )
