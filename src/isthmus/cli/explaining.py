"""What Lightning, jsonargparse and torch raise for a mistake in their input, in the words of Isthmus."""

import contextlib
import pickle
import re
from collections.abc import Iterator
from pathlib import Path

from jsonargparse import ArgumentError as ParserError
from lightning.fabric.utilities.exceptions import MisconfigurationException

from isthmus.errors import ConfigError, Fault, WeightsError

_SHOWN = 3


@contextlib.contextmanager
def explained(checkpoint: Path | None) -> Iterator[None]:
    """Raise the errors of others as those of Isthmus.

    Args:
        checkpoint: the file that weights are loaded from.

    Raises:
        ConfigError: a value that the parser or the trainer does not take.
        WeightsError: a checkpoint that holds more than data, or the weights of another model.
    """
    try:
        yield
    except ParserError as error:
        raise ConfigError([_parser_fault(str(error))]) from error
    except MisconfigurationException as error:
        raise ConfigError([Fault("trainer", str(error))]) from error
    except pickle.UnpicklingError as error:
        raise WeightsError(
            f"{checkpoint} holds more than weights and plain data, and loading that could run any program; it was not "
            "loaded"
        ) from error
    except RuntimeError as error:
        if not str(error).startswith("Error(s) in loading state_dict"):
            raise
        raise WeightsError(f"{checkpoint} was made by another model: {_shortened(str(error))}") from error


def _parser_fault(message: str) -> Fault:
    """The fault that jsonargparse reports, without its account of every alternative."""
    key = re.search(r'Parser key "([^"]+)"', message)
    value = re.search(r"Given value: (.*)", message)
    expected = [found.replace("typing.", "") for found in re.findall(r"- Expected an? (.*)", message)]
    if key is None or value is None or not expected:
        return Fault(key.group(1) if key else "", message)
    kinds = ", or ".join(re.sub(r"<class '([^']*)'>", r"\1", kind) for kind in expected)
    return Fault(key.group(1), f"found {value.group(1)!r}; expected {kinds}")


def _shortened(message: str) -> str:
    lines = [line.strip() for line in message.splitlines()[1:] if line.strip()]
    more = f"; and {len(lines) - _SHOWN} more" if len(lines) > _SHOWN else ""
    return "; ".join(line[:200] for line in lines[:_SHOWN]) + more
