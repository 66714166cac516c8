"""Published weights: found, read, fitted to a model, with a report."""

from isthmus._lazy import lazy_exports

__all__ = [
    "Adapter",
    "PublishedWeights",
    "SleapModel",
    "WeightsReport",
    "build_with_weights",
    "fetch",
    "fit_bands",
    "fit_positions",
    "load_sleap",
    "load_weights",
    "part_with",
    "published_weights",
    "read_checkpoint",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "Adapter": "isthmus.weights.adapter",
        "PublishedWeights": "isthmus.weights.hub",
        "SleapModel": "isthmus.weights.sleap.loading",
        "WeightsReport": "isthmus.weights.report",
        "build_with_weights": "isthmus.weights.building",
        "fetch": "isthmus.weights.fetching",
        "fit_bands": "isthmus.weights.bands",
        "fit_positions": "isthmus.weights.positions",
        "load_sleap": "isthmus.weights.sleap.loading",
        "load_weights": "isthmus.weights.loading",
        "part_with": "isthmus.weights.keys",
        "published_weights": "isthmus.weights.hub",
        "read_checkpoint": "isthmus.weights.reading",
    },
)
