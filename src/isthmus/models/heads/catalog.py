"""The heads of Isthmus by name; without torch."""

from isthmus.registry.kinds import HeadKind

ENTRIES: tuple[HeadKind, ...] = (
    HeadKind(
        "SegmentationHead",
        "isthmus.models.heads.segmentation:SegmentationHead",
        facts={"doc": "Class scores or confidence for every pixel"},
        size="in_channels",
        outputs="num_classes",
    ),
    HeadKind(
        "RegressionHead",
        "isthmus.models.heads.regression:RegressionHead",
        facts={"doc": "Quantities for every pixel"},
        size="in_channels",
        outputs="num_outputs",
    ),
    HeadKind(
        "ScalarHead",
        "isthmus.models.heads.scalar:ScalarHead",
        facts={"doc": "Class scores or quantities for a whole image"},
        size="in_dim",
        outputs="num_outputs",
    ),
)
