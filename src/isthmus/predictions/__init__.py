"""What the numbers of a model mean, after its `OutputSpec`: what is decided, blended, written and drawn.

`meaning_of(spec)` gives the one object that a task, a writer of files, a report and a map of a scene ask. Each kind of
output is a class of its own beside the others; a plug-in adds one in the entry-point group `isthmus.outputs`, under the
name of the kind.
"""

from isthmus._lazy import lazy_exports

_EXPORTS = {
    "MEANING_REGISTRY": "isthmus.predictions.meaning",
    "Meaning": "isthmus.predictions.meaning",
    "Place": "isthmus.predictions.place",
    "PredictedSample": "isthmus.predictions.meaning",
    "Window": "isthmus.predictions.windows",
    "find_peaks": "isthmus.predictions.peaks",
    "meaning_of": "isthmus.predictions.meaning",
}

__all__ = sorted(_EXPORTS)

__getattr__, __dir__ = lazy_exports(__name__, _EXPORTS)
