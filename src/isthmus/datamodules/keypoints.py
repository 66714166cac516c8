"""Batches of images with keypoints."""

from pathlib import Path
from typing import Any

from isthmus.datamodules.images import ImageDataModule
from isthmus.datasets.keypoint_source import KeypointSource


class GenericKeypointDataModule(ImageDataModule):
    """Images with named points in them: poses, or objects marked by points.

    Batches also hold `keypoints`, float32 `(B, N, K, 2)`, N instances of K points as (x, y) = (column, row) in pixels,
    where whole numbers are the centres of pixels and NaN stands for points that are not there and instances that other
    images of the batch have more. To predict there are no keypoints. A transform moves points with the image; those
    that leave it become NaN. The arguments that are not named here are those of `ImageDataModule`.

    Keypoints are in a CSV table with one instance per row (`image`, `<name>_x`, `<name>_y`) or one point per row
    (`image` or `id`, `x`, `y`, and perhaps `name` and `instance`), in the JSON of COCO, in a table of DeepLabCut
    (`CollectedData_*.csv`) or in a file of SLEAP (`.slp`, with the extra `keypoints`). Which images are for training,
    validation and test is said by a column `split` of the table, by `split_table`, or by a file for each. Images lie in
    `data_root`, unless `train_data_root` and its siblings say otherwise for a stage.

    Args:
        batch_size: samples in a batch.
        num_workers: processes that read files; 0 reads in the process that trains.
        keypoints: the file of keypoints of all images, with a split for each; see `split_table`.
        train_keypoints: the file for training, where it has one of its own. Without splits all its images are taken.
        val_keypoints: the same for validation.
        test_keypoints: the same for testing.
        data_root: the folder of the images; that of the file of keypoints where None.
        format: `csv`, `coco`, `deeplabcut` or `sleap`; `auto` tells by the ending of the file and its header.
        split_table: a CSV table with the columns `id` (or `image`) and `split`. It says which images there are, also
            those in which there is nothing to mark.
        split_column: the column of `split_table` that holds the split.
        split_names: what the splits are called where that is not `train`, `val` and `test`, as in `{val: validation}`.
        swap_pairs: pairs of points, by name, that change places where a transform mirrors the image: the left and the
            right ear.
    """

    source: KeypointSource

    def __init__(
        self,
        batch_size: int,
        num_workers: int,
        keypoints: str | Path | None = None,
        *,
        train_keypoints: str | Path | None = None,
        val_keypoints: str | Path | None = None,
        test_keypoints: str | Path | None = None,
        data_root: str | Path | None = None,
        format: str = "auto",  # noqa: A002
        split_table: str | Path | None = None,
        split_column: str = "split",
        split_names: dict[str, str] | None = None,
        swap_pairs: list[list[str]] | None = None,
        **shared: Any,
    ) -> None:
        own = dict(locals())
        super().__init__(batch_size, num_workers, **shared)
        self.read_from(KeypointSource.from_arguments({**own, **shared}))
        self.swap_pairs = swap_pairs

    @property
    def point_names(self) -> list[str]:
        """The names of the K points of an instance, in their order.

        Raises:
            ArgumentError: no file of keypoints is given.
            DataError: a file is missing or cannot be used, or files have different points.
        """
        return list(self.source.point_names)
