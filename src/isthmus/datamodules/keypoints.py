"""Batches of images with keypoints."""

from collections.abc import Sequence
from pathlib import Path

from torch import nn

from isthmus.datamodules.images import ImageDataModule
from isthmus.datasets.headers import Size
from isthmus.datasets.image_dataset import ImageDataset, Transform
from isthmus.datasets.keypoint_files.annotations import AnnotatedImage
from isthmus.datasets.keypoint_files.placing import points_inside
from isthmus.datasets.keypoint_source import KeypointSource
from isthmus.datasets.keypoints import KeypointDataset, collate_keypoints

Transforms = list[nn.Module] | nn.Module | None
Bands = list[str | int | list[int]] | None


class GenericKeypointDataModule(ImageDataModule):
    """Images with named points in them: poses, or objects marked by points.

    Batches hold `image`, float32 `(B, C, H, W)`, normalised on the device; `keypoints`, float32 `(B, N, K, 2)`, N
    instances of K points as (x, y) = (column, row) in pixels, where whole numbers are the centres of pixels and NaN
    stands for points that are not there and instances that other images of the batch have more; and `filename`, a
    list of paths. To predict there are no keypoints.

    Keypoints are in a CSV table with one instance per row (`image`, `<name>_x`, `<name>_y`) or one point per row
    (`image` or `id`, `x`, `y`, and perhaps `name` and `instance`), in the JSON of COCO, in a table of DeepLabCut
    (`CollectedData_*.csv`) or in a file of SLEAP (`.slp`, with the extra `keypoints`). Which images are for training,
    validation and test is said by a column `split` of the table, by `split_table`, or by a file for each.

    Args:
        batch_size: samples in a batch.
        num_workers: processes that read files; 0 reads in the process that trains.
        keypoints: the file of keypoints of all images, with a split for each; see `split_table`.
        train_keypoints: the file for training, where it has one of its own. Without splits all its images are taken.
        val_keypoints: the same for validation.
        test_keypoints: the same for testing.
        data_root: the folder of the images; that of the file of keypoints where None.
        train_data_root: the folder of the images to train on, where it is another.
        val_data_root: the same for validation.
        test_data_root: the same for testing.
        predict_data_root: the folder of the images to predict, or one image.
        format: `csv`, `coco`, `deeplabcut` or `sleap`; `auto` tells by the ending of the file and its header.
        split_table: a CSV table with the columns `id` (or `image`) and `split`. It says which images there are, also
            those in which there is nothing to mark.
        split_column: the column of `split_table` that holds the split.
        split_names: what the splits are called where that is not `train`, `val` and `test`, as in `{val: validation}`.
        swap_pairs: pairs of points, by name, that change places where a transform mirrors the image: the left and the
            right ear.
        img_grep: a glob pattern for the images to predict.
        means: the mean of each output band, after `constant_scale`: a list, the path of a text file or of the YAML file
            that `isthmus stats` writes, or `compute` for those of the samples to train on. Without means and stds
            images are not normalised.
        stds: the same for the standard deviations.
        dataset_bands: what the bands of a file are called, in its order.
        output_bands: the bands that become channels, in this order; all where None.
        predict_dataset_bands: `dataset_bands` for prediction, where the files differ.
        predict_output_bands: `output_bands` for prediction, where the names differ.
        constant_scale: what every pixel is multiplied by.
        rgb_indices: the channels that are red, green and blue in pictures; found by name where None.
        train_transform: transforms of `torchvision.transforms.v2` for the samples to train on; points move with the
            image, and those that leave it become NaN.
        val_transform: the same for validation.
        test_transform: the same for testing and prediction.
        no_data_replace: what missing pixels of an image become (nodata, NaN, infinite), in the units of the file. Where
            None they take the mean of their band, which is 0 after normalisation; without means they are an error.
        drop_last: leave out the last batch of an epoch of training if it is not full.
        pin_memory: copy batches into page-locked memory, which speeds up their way to a GPU.
        check_stackability: make sure before training, from the headers of the files, that all samples are of one size
            and hold their points.
        prefetch_factor: batches that each worker reads ahead; torch's default where None.

    Raises:
        ArgumentError: arguments that contradict one another.
        BandError: an output band that is not among the dataset bands.
    """

    source: KeypointSource
    collate_fn = staticmethod(collate_keypoints)

    def __init__(
        self,
        batch_size: int,
        num_workers: int,
        keypoints: str | Path | None = None,
        train_keypoints: str | Path | None = None,
        val_keypoints: str | Path | None = None,
        test_keypoints: str | Path | None = None,
        data_root: str | Path | None = None,
        train_data_root: str | Path | None = None,
        val_data_root: str | Path | None = None,
        test_data_root: str | Path | None = None,
        predict_data_root: str | Path | None = None,
        format: str = "auto",  # noqa: A002
        split_table: str | Path | None = None,
        split_column: str = "split",
        split_names: dict[str, str] | None = None,
        swap_pairs: list[list[str]] | None = None,
        img_grep: str = "*",
        means: list[float] | str | Path | None = None,
        stds: list[float] | str | Path | None = None,
        dataset_bands: Bands = None,
        output_bands: Bands = None,
        predict_dataset_bands: Bands = None,
        predict_output_bands: Bands = None,
        constant_scale: float = 1.0,
        rgb_indices: list[int] | None = None,
        train_transform: Transforms = None,
        val_transform: Transforms = None,
        test_transform: Transforms = None,
        no_data_replace: float | None = None,
        drop_last: bool = True,
        pin_memory: bool = False,
        check_stackability: bool = True,
        prefetch_factor: int | None = None,
    ) -> None:
        arguments = dict(locals())
        super().__init__(
            KeypointSource.from_arguments(arguments),
            batch_size=batch_size,
            num_workers=num_workers,
            means=means,
            stds=stds,
            transforms={"train": train_transform, "val": val_transform, "test": test_transform},
            no_data_replace=no_data_replace,
            drop_last=drop_last,
            pin_memory=pin_memory,
            check_stackability=check_stackability,
            prefetch_factor=prefetch_factor,
        )
        self.swap_pairs = swap_pairs
        self.rgb_indices = rgb_indices

    @property
    def point_names(self) -> list[str]:
        """The names of the K points of an instance, in their order.

        Raises:
            ArgumentError: no file of keypoints is given.
            DataError: a file is missing or cannot be used, or files have different points.
        """
        return list(self.source.point_names)

    @property
    def image_size(self) -> Size | None:
        """Height and width of the files of all stages set up so far, before transforms; None where they differ."""
        sizes = {size for of_stage in self.file_sizes.values() for size in of_stage}
        return sizes.pop() if len(sizes) == 1 else None

    def make_dataset(
        self,
        stage: str,
        fill: float | Sequence[float] | None,
        transform: Transform | Sequence[Transform] | None,
    ) -> KeypointDataset:
        """Make the dataset of `train`, `val`, `test` or `predict`; `fill` is what missing pixels become."""
        known = stage != "predict"
        return KeypointDataset(
            self.source.samples(stage),
            self.source.image_reader(stage),
            self.point_names if known else [],
            transform,
            self.swap_pairs if known else None,
            fill,
            self.rgb_indices,
        )

    def checked_dataset(self, name: str) -> ImageDataset:
        """The dataset of a stage, its points held against the sizes of the images."""
        dataset = super().checked_dataset(name)
        sizes = {file: size for size, files in self.file_sizes.get(name, {}).items() for file in files}
        for sample in dataset.samples:
            if sample.image in sizes and isinstance(sample, AnnotatedImage):
                points_inside(sample, *sizes[sample.image])
        return dataset
