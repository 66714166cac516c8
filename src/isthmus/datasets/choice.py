"""The source that a datamodule reads, as its declaration says."""

from collections.abc import Mapping
from typing import Any

from isthmus.datasets.source import ImageSource
from isthmus.errors import RegistrationError
from isthmus.registry import DATAMODULE_REGISTRY
from isthmus.registry.kinds import DatamoduleKind


def source_of(datamodule: str, init_args: Mapping[str, Any]) -> ImageSource | None:
    """The source of a datamodule; None where it is not registered, so that nobody knows what it reads.

    Args:
        datamodule: the name of its class; a full path does as well.
        init_args: its arguments, as a configuration gives them.

    Raises:
        RegistrationError: its source is not where its declaration says.
        ArgumentError: arguments contradict one another.
    """
    name = datamodule.rpartition(".")[2]
    kind = DATAMODULE_REGISTRY.entry(name) if name in DATAMODULE_REGISTRY else None
    if not isinstance(kind, DatamoduleKind):
        return None
    source = kind.load_source()
    if not (isinstance(source, type) and issubclass(source, ImageSource)):
        raise RegistrationError(f"{name} declares the source {kind.source!r}, which is no ImageSource")
    return source.from_arguments(init_args)
