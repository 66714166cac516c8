"""What models are for, and the model that is built for it."""

from isthmus.registry.kinds import Purpose
from isthmus.specs import Scope

_MAP = "isthmus.models.pixel_wise:PixelWiseModel"
_LABEL = "isthmus.models.scalar_output:ScalarOutputModel"
_IMAGE = "isthmus.models.reconstruction:ReconstructionModel"

ENTRIES: tuple[Purpose, ...] = (
    Purpose("segmentation", _MAP, facts={"doc": "A class for every pixel"}, scope=Scope.PIXEL, head="SegmentationHead"),
    Purpose(
        "regression",
        _MAP,
        facts={"doc": "Quantities for every pixel"},
        scope=Scope.PIXEL,
        head="RegressionHead",
        counts="num_outputs",
        default_outputs=1,
        squeeze=True,
    ),
    Purpose(
        "keypoints",
        _MAP,
        facts={"doc": "Maps of confidence in points"},
        scope=Scope.PIXEL,
        head="SegmentationHead",
        rescale=False,
    ),
    Purpose("classification", _LABEL, facts={"doc": "Classes of a whole image"}, scope=Scope.IMAGE, head="ScalarHead"),
    Purpose(
        "scalar_regression",
        _LABEL,
        facts={"doc": "Quantities of a whole image"},
        scope=Scope.IMAGE,
        head="ScalarHead",
        counts="num_outputs",
    ),
    Purpose("reconstruction", _IMAGE, facts={"doc": "Images of which a part was hidden"}, scope=Scope.PIXEL),
)
