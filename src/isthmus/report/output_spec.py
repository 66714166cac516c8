"""Until every task says itself what its output means: the statement and the key of the truth, out of what tasks say."""

from typing import Any

from isthmus.specs import Classes, OutputSpec, Points


def output_spec_of(task: Any) -> OutputSpec | None:
    """What the numbers of a task mean; None where it does not say."""
    if (said := getattr(task, "output_spec", None)) is not None:
        return said  # type: ignore[no-any-return]
    if points := getattr(task, "point_names", None):
        given = {"threshold": "peak_threshold"} | {
            name: name for name in ("refine", "max_instances", "min_distance", "offsets")
        }
        held = {field: getattr(task, name) for field, name in given.items() if hasattr(task, name)}
        return Points(tuple(points), **held)
    if classes := getattr(task, "class_names", None):
        colours = getattr(task, "class_colors", None)
        return Classes(tuple(map(str, classes)), None if colours is None else tuple(map(tuple, colours)))
    return None


def truth_key_of(task: Any) -> str:
    """The key of a batch that holds the truth; empty where the task does not say."""
    return str(getattr(getattr(task, "kind", None), "batch", None) or getattr(task, "target_key", ""))
