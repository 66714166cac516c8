"""The statements of a model: what it takes, what flows between its parts, and what its numbers mean.

They are plain, frozen data that need no torch, and turn into dicts and back (`to_dict`, `from_dict`). With
`Preprocessing` they are all that is needed to use a model rightly.
"""

from isthmus.specs.features import FeatureSpec, Layout, Pyramid, Requirement, is_pyramid
from isthmus.specs.inputs import IMAGE, InputSpec, Modality
from isthmus.specs.outputs import (
    Boxes,
    Classes,
    Embedding,
    OutputSpec,
    Points,
    Quantities,
    Reconstructed,
    Scope,
    output_spec_from,
)
from isthmus.specs.preprocessing import BandScaling, Preprocessing

__all__ = [
    "IMAGE",
    "BandScaling",
    "Boxes",
    "Classes",
    "Embedding",
    "FeatureSpec",
    "InputSpec",
    "Layout",
    "Modality",
    "OutputSpec",
    "Points",
    "Preprocessing",
    "Pyramid",
    "Quantities",
    "Reconstructed",
    "Requirement",
    "Scope",
    "is_pyramid",
    "output_spec_from",
]
