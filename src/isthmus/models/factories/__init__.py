"""Factories: from names and arguments to a model."""

from isthmus._lazy import lazy_exports

__all__ = ["EncoderDecoderFactory", "FullModelFactory"]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "EncoderDecoderFactory": "isthmus.models.factories.encoder_decoder",
        "FullModelFactory": "isthmus.models.factories.full_model",
    },
)
