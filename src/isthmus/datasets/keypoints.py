"""Samples of an image with instances of named points."""

from collections.abc import Sequence
from typing import Any

import torch
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import default_collate

from isthmus.datasets.image_dataset import ImageDataset, Transform
from isthmus.datasets.images import ImageReader
from isthmus.datasets.keypoint_files.annotations import AnnotatedImage
from isthmus.datasets.keypoint_files.placing import points_inside, swap_order
from isthmus.datasets.pairing import Sample
from isthmus.errors import DataError


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
        no_data_replace: see `ImageDataset`.
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
        no_data_replace: float | Sequence[float] | None = None,
        rgb_indices: Sequence[int] | None = None,
    ) -> None:
        order = swap_order(point_names, swap_pairs or ())
        super().__init__(samples, image_reader, no_data_replace, _for_points(transform, order), rgb_indices)
        self.point_names = list(point_names)

    def read_files(self, sample: Sample) -> dict[str, Any]:
        """Read an image and take its keypoints.

        Raises:
            DataError: a point lies outside the image, or the file of the image cannot be used.
        """
        item = super().read_files(sample)
        if isinstance(sample, AnnotatedImage):
            height, width = item["image"].shape[-2:]
            item["keypoints"] = torch.from_numpy(points_inside(sample, height, width))
        return item


def collate_keypoints(samples: list[dict[str, Any]]) -> dict[str, Any]:
    """Join samples into a batch; `keypoints` becomes `(B, N, K, 2)`, where NaN makes up for missing instances.

    Raises:
        DataError: the images differ in size.
    """
    first = samples[0]
    for sample in samples[1:]:
        if sample["image"].shape != first["image"].shape:
            shapes = [tuple(each["image"].shape) for each in (first, sample)]
            raise DataError(
                f"images of different sizes cannot be joined into a batch: {first['filename']} is {shapes[0]} "
                f"(channels, height, width), {sample['filename']} is {shapes[1]}. Crop or resize them in a transform, "
                "or set batch_size to 1"
            )
    batch = default_collate([{key: sample[key] for key in sample if key != "keypoints"} for sample in samples])
    if "keypoints" in first:
        batch["keypoints"] = pad_sequence(
            [sample["keypoints"] for sample in samples], batch_first=True, padding_value=torch.nan
        )
    return dict(batch)


def _for_points(transform: Transform | Sequence[Transform] | None, order: Sequence[int]) -> Transform | None:
    if transform is None:
        return None
    from isthmus.transforms.keypoints import KeypointTransform

    return transform if isinstance(transform, KeypointTransform) else KeypointTransform(transform, order)
