"""Published weights: found, read, fitted to a model, with a report."""

from isthmus._lazy import lazy_exports

__all__ = [
    "PublishedWeights",
    "SleapModel",
    "WeightsReport",
    "fetch",
    "fit_bands",
    "load_sleap",
    "load_weights",
    "part_with",
    "published_weights",
    "read_checkpoint",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "PublishedWeights": "isthmus.weights.hub",
        "SleapModel": "isthmus.weights.sleap.loading",
        "WeightsReport": "isthmus.weights.report",
        "fetch": "isthmus.weights.hub",
        "fit_bands": "isthmus.weights.bands",
        "load_sleap": "isthmus.weights.sleap.loading",
        "load_weights": "isthmus.weights.loading",
        "part_with": "isthmus.weights.keys",
        "published_weights": "isthmus.weights.hub",
        "read_checkpoint": "isthmus.weights.reading",
    },
)
