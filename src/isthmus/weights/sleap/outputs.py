"""What the heads of a training configuration put out: which maps, of what, and how fine."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from isthmus.weights.sleap.skeleton import Skeleton

CONFIDENCE_MAPS = {
    "single_instance": "SingleInstanceConfmapsHead",
    "centroid": "CentroidConfmapsHead",
    "centered_instance": "CenteredInstanceConfmapsHead",
    "multi_instance": "MultiInstanceConfmapsHead",
    "multi_class_bottomup": "MultiInstanceConfmapsHead",
    "multi_class_topdown": "CenteredInstanceConfmapsHead",
}
"""What a network can be trained for, and the head that finds the points then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadSettings:
    """One output of a network.

    Attributes:
        name: what SLEAP calls it, as "MultiInstanceConfmapsHead".
        channels: its channels: points, classes, or two for each edge (part affinity fields) or point (offsets).
        output_stride: the stride of its map, or of the feature that it classifies.
        sigma: the spread of the targets that it was trained on, in pixels of the input; None where there is none.
        activation: what follows it: "linear", "sigmoid" or "softmax".
        dense_units: for class vectors, the widths of the layers in front of the classification; otherwise None.
        global_pool: for class vectors, whether they see the maximum of each channel, and not the whole map.
    """

    name: str
    channels: int
    output_stride: int
    sigma: float | None = None
    activation: str = "linear"
    dense_units: tuple[int, ...] | None = None
    global_pool: bool = True


@dataclass(frozen=True, slots=True)
class Outputs:
    """The outputs of a network, and what their channels stand for.

    Attributes:
        heads: the outputs, that of the points first.
        points: the names of the points, in the order of the channels.
        edges: the pairs of points that part affinity fields join, in the order of their channels.
        classes: the names of the classes, in the order of the channels.
    """

    heads: tuple[HeadSettings, ...]
    points: tuple[str, ...]
    edges: tuple[tuple[str, str], ...] = ()
    classes: tuple[str, ...] = ()


def read_outputs(kind: str, held: Mapping[str, Any], skeleton: Skeleton) -> Outputs:
    """Read the outputs of a network of a kind, see `CONFIDENCE_MAPS`.

    Raises:
        LookupError, TypeError, ValueError: something is missing or of another type.
    """
    maps = held.get("confmaps", held)
    if kind == "centroid":
        points = (maps["anchor_part"] or "centroid",)
    else:
        points = tuple(maps["part_names"] or skeleton.points)
    heads = [_map_head(CONFIDENCE_MAPS[kind], len(points), maps)]
    edges, classes = tuple[tuple[str, str], ...](), tuple[str, ...]()
    if fields := held.get("pafs"):
        edges = tuple((source, destination) for source, destination in fields["edges"] or skeleton.edges)
        heads.append(_map_head("PartAffinityFieldsHead", 2 * len(edges), fields))
    if labels := held.get("class_maps"):
        classes = tuple(labels["classes"])
        heads.append(_map_head("ClassMapsHead", len(classes), labels, "sigmoid"))
    if vectors := held.get("class_vectors"):
        classes = tuple(vectors["classes"])
        heads.append(_vector_head(len(classes), vectors))
    if maps.get("offset_refinement"):
        heads.append(_map_head("OffsetRefinementHead", 2 * len(points), {**maps, "sigma": None}))
    return Outputs(tuple(heads), points, edges, classes)


def _map_head(name: str, channels: int, held: Mapping[str, Any], activation: str = "linear") -> HeadSettings:
    sigma = None if held["sigma"] is None else float(held["sigma"])
    return HeadSettings(
        name=name, channels=channels, output_stride=int(held["output_stride"]), sigma=sigma, activation=activation
    )


def _vector_head(channels: int, held: Mapping[str, Any]) -> HeadSettings:
    return HeadSettings(
        name="ClassVectorsHead",
        channels=channels,
        output_stride=int(held["output_stride"]),
        activation="softmax",
        dense_units=(int(held["num_fc_units"]),) * int(held["num_fc_layers"]),
        global_pool=bool(held["global_pool"]),
    )
