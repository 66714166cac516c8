"""The parts of a model and how they are joined."""

from isthmus._lazy import lazy_exports

__all__ = [
    "AuxiliaryHead",
    "BlockModel",
    "EncoderDecoderFactory",
    "FullModelFactory",
    "Model",
    "ModelFactory",
    "ModelOutput",
    "PixelWiseModel",
    "Reconstruction",
    "ReconstructionModel",
    "ScalarOutputModel",
    "TemporalWrapper",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "AuxiliaryHead": "isthmus.models.base",
        "BlockModel": "isthmus.models.block_model",
        "EncoderDecoderFactory": "isthmus.models.factories.encoder_decoder",
        "FullModelFactory": "isthmus.models.factories.full_model",
        "Model": "isthmus.models.base",
        "ModelFactory": "isthmus.models.base",
        "ModelOutput": "isthmus.models.base",
        "PixelWiseModel": "isthmus.models.pixel_wise",
        "Reconstruction": "isthmus.models.reconstruction",
        "ReconstructionModel": "isthmus.models.reconstruction",
        "ScalarOutputModel": "isthmus.models.scalar_output",
        "TemporalWrapper": "isthmus.models.temporal_wrapper",
    },
)
