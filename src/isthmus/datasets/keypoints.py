"""Samples of an image with instances of named points."""

from collections.abc import Sequence

from isthmus.datasets.dataset import ImageDataset, Transform
from isthmus.datasets.keypoint_source import PointReader
from isthmus.datasets.pairing import Sample
from isthmus.datasets.readers import ImageReader, Reader
from isthmus.specs import IMAGE


class KeypointDataset(ImageDataset):
    """Images with keypoints.

    Each sample is a dictionary with `image`, float32 `(C, H, W)`; `filename`; and, unless it is only to be predicted,
    `keypoints`, float32 `(N, K, 2)`: N instances of K points, (x, y) = (column, row) in pixels, where whole numbers are
    the centres of pixels. Points that are absent, not labelled or lost in a transform are NaN, and every other lies
    inside the image. An instance has at least one point; N is 0 where nothing is in the image. One instance of many
    points is a pose; many instances of one point are objects marked by points.

    Args:
        samples: the images; those with keypoints are `AnnotatedImage`.
        image_reader: how images are read.
        point_names: the names of the K points.
        transform: one or several of `torchvision.transforms.v2`, or any callable that takes and gives a sample; points
            move with the image.
        swap_pairs: pairs of points, by name, that change places where a transform mirrors the image, such as the left
            and the right eye.
        no_data_replace: what missing pixels become, in the units of the file; where None they are an error.
        rgb_indices: see `ImageDataset`.

    Raises:
        ArgumentError: `swap_pairs` names a point that is not there, or one twice.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        image_reader: ImageReader,
        point_names: Sequence[str],
        transform: Transform | Sequence[Transform] | None = None,
        swap_pairs: Sequence[Sequence[str]] | None = None,
        no_data_replace: float | None = None,
        rgb_indices: Sequence[int] | None = None,
    ) -> None:
        readers: dict[str, Reader] = {IMAGE: image_reader, "keypoints": PointReader(point_names, swap_pairs or ())}
        super().__init__(samples, readers, {IMAGE: image_reader.scaled(no_data_replace)}, transform, rgb_indices)
        self.point_names = list(point_names)
