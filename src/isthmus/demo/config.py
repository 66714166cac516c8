"""The configuration that the demonstration trains with: an ordinary one, to be read and changed."""

from collections.abc import Mapping
from pathlib import Path

from isthmus.demo.chips import BLOCKS
from isthmus.demo.landscape import IGNORE, Landscape

BATCH_SIZE = 8

_TEMPLATE = """\
# Written by `isthmus demo`. Try for instance:
#   isthmus plan -c {config}
#   isthmus fit  -c {config}
seed_everything: {seed}

trainer:
  accelerator: cpu
  devices: 1
  max_epochs: {epochs}
  default_root_dir: {folder}/runs

model:
  class_path: isthmus.tasks.SemanticSegmentationTask
  init_args:
    model_factory: EncoderDecoderFactory
    model_args:
      backbone: timm_resnet10t
      backbone_pretrained: false
      backbone_in_chans: {band_count}
      decoder: UNetDecoder
      decoder_channels: [128, 64, 32, 16, 16]
      num_classes: {class_count}
    loss: [ce, dice]
    class_weights: [1, 1, 1, 1, 2, 4, 1]  # towns and bare ground are rare
    ignore_index: {ignore}
    class_names: [{class_names}]
    class_colors: [{class_colors}]
    optimizer: AdamW
    lr: 3.0e-3
    scheduler: OneCycleLR
    scheduler_hparams: {{max_lr: 3.0e-3, total_steps: {steps}, interval: step}}

data:
  class_path: isthmus.datamodules.GenericNonGeoSegmentationDataModule
  init_args:
    batch_size: {batch_size}
    num_workers: 0
    num_classes: {class_count}
{roots}
    predict_data_root: {folder}/landscape/landscape.tif
    img_grep: "*.tif"
    label_grep: "*.tif"
    dataset_bands: [{bands}]
    output_bands: [{bands}]
    means: compute  # from the training chips; missing pixels take the mean
    stds: compute
    ignore_index: {ignore}
    train_transform:
      - class_path: isthmus.transforms.RandomD4
"""


def configuration(
    folder: Path, landscape: Landscape, chips: Mapping[str, int], *, epochs: int = 20, seed: int = 0
) -> str:
    """The text of the configuration.

    Args:
        folder: where the files of the demonstration are.
        landscape: what was drawn.
        chips: the number of chips by block.
        epochs: how often the training chips are gone through.
        seed: of the weights and of the order of the chips.
    """
    roots = "\n".join(
        f"    {block.name}_data_root: {folder}/{block.name}/images\n"
        f"    {block.name}_label_data_root: {folder}/{block.name}/labels"
        for block in BLOCKS
    )
    return _TEMPLATE.format(
        config=folder / "config.yaml",
        folder=folder,
        seed=seed,
        epochs=epochs,
        steps=epochs * (chips["train"] // BATCH_SIZE),
        batch_size=BATCH_SIZE,
        band_count=len(landscape.bands),
        bands=", ".join(landscape.bands),
        class_count=len(landscape.class_names),
        class_names=", ".join(landscape.class_names),
        class_colors=", ".join(str(list(colour)) for colour in landscape.class_colors),
        ignore=IGNORE,
        roots=roots,
    )
