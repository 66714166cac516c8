"""What the registries know about a named part, without importing it."""

from isthmus.errors import MissingExtraError, UnknownNameError
from isthmus.registry.entry import Entry
from isthmus.registry.multi import Source
from isthmus.signatures import Signature, static_signature


def look_up(registry: Source, name: str) -> tuple[Entry | None, str]:
    """The entry of a name, or None and why there is none."""
    try:
        return registry.entry(name), ""
    except (UnknownNameError, MissingExtraError) as error:
        return None, str(error)


def known_signature(entry: Entry) -> Signature | None:
    """The arguments of a part as far as its source tells them; None where it tells nothing."""
    if not isinstance(entry.target, str) or static_signature(entry.target) is None:
        return None
    return entry.signature()


def behind_channels(signature: Signature | None) -> Signature | None:
    """What is left for the user of a constructor whose first argument is the channels of the features."""
    return None if signature is None else Signature(signature.parameters[1:], signature.is_open)
