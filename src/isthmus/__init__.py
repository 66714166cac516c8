"""Isthmus joins an encoder to a decoder: named parts, checked compositions, maps.

Importing it imports neither torch nor Lightning; every public name is imported when it is first used.
"""

from isthmus import _version
from isthmus._lazy import lazy_exports

__version__ = _version.VERSION

__all__ = [
    "BACKBONE_REGISTRY",
    "DECODER_REGISTRY",
    "MODEL_FACTORY_REGISTRY",
    "NECK_REGISTRY",
    "__version__",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "BACKBONE_REGISTRY": "isthmus.registry",
        "DECODER_REGISTRY": "isthmus.registry",
        "MODEL_FACTORY_REGISTRY": "isthmus.registry",
        "NECK_REGISTRY": "isthmus.registry",
    },
)
