"""The skeleton in a training configuration: points, and which of them are joined.

SLEAP writes it as a graph in the notation of jsonpickle, in which an object that occurred before is a number: that of
its first occurrence, counted from 1. It is read here as plain data.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

SYMMETRY = 2
"""The type of a link that says that two points mirror one another."""


@dataclass(frozen=True, slots=True)
class Skeleton:
    """What is tracked on an animal.

    Attributes:
        points: the names of the points.
        edges: the pairs of points that are joined, each from its source to its destination.
    """

    points: tuple[str, ...] = ()
    edges: tuple[tuple[str, str], ...] = ()


def read_skeleton(graph: dict[str, Any]) -> Skeleton:
    """Read a skeleton from a training configuration.

    Raises:
        LookupError, TypeError, ValueError: it is not written as SLEAP does.
    """
    graph = graph.get("nx_graph", graph)
    objects = list(_objects(graph))

    def resolved(value: Any) -> Any:
        found = objects[value["py/id"] - 1] if "py/id" in value else value
        if "py/reduce" in found:
            return found["py/reduce"][1]["py/tuple"][0]
        return found["py/state"]["py/tuple"][0] if "py/state" in found else found["name"]

    links = [link for link in graph["links"] if "type" not in link or resolved(link["type"]) != SYMMETRY]
    links.sort(key=lambda link: int(link.get("edge_insert_idx", 0)))
    return Skeleton(
        tuple(str(resolved(node["id"])) for node in graph["nodes"]),
        tuple((str(resolved(link["source"])), str(resolved(link["target"]))) for link in links),
    )


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    """Every object, where it occurs first, in the order of the file."""
    if isinstance(value, dict):
        if "py/object" in value or "py/reduce" in value:
            yield value
        for part in value.values():
            yield from _objects(part)
    elif isinstance(value, list):
        for part in value:
            yield from _objects(part)
