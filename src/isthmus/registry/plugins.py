"""Parts that other packages bring, found through entry points."""

from collections.abc import Iterator

from isthmus.registry.entry import Entry


def plugin_entries(group: str) -> Iterator[Entry]:
    """The parts that installed packages register in an entry-point group, without importing them.

    The packages are searched when the first entry is asked for.

    A package offers a backbone with, in its `pyproject.toml`::

        [project.entry-points."isthmus.backbones"]
        my_backbone = "my_package.backbone:my_backbone"
    """
    from importlib.metadata import entry_points  # 30 ms, and only where names are asked for

    for point in sorted(entry_points(group=group), key=lambda point: point.name):
        yield Entry(point.name, point.value, facts={"source": point.dist.name if point.dist else "plug-in"})
