"""Trained SLEAP models, read into the network that they were trained as."""

from isthmus._lazy import lazy_exports

__all__ = ["HeadSettings", "SleapModel", "SleapNetwork", "SleapSettings", "load_sleap"]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "HeadSettings": "isthmus.weights.sleap.outputs",
        "SleapModel": "isthmus.weights.sleap.loading",
        "SleapNetwork": "isthmus.weights.sleap.network",
        "SleapSettings": "isthmus.weights.sleap.settings",
        "load_sleap": "isthmus.weights.sleap.loading",
    },
)
