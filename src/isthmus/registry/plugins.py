"""Parts that other packages bring, found through entry points."""

from importlib.metadata import entry_points

from isthmus.registry.entry import Entry


def plugin_entries(group: str) -> list[Entry]:
    """The parts that installed packages register in an entry-point group, without importing them.

    A package offers a backbone with, in its `pyproject.toml`::

        [project.entry-points."isthmus.backbones"]
        my_backbone = "my_package.backbone:my_backbone"
    """
    return [
        Entry(point.name, point.value, facts={"source": point.dist.name if point.dist else "plug-in"})
        for point in sorted(entry_points(group=group), key=lambda point: point.name)
    ]
