"""What can go wrong, as one tree.

    IsthmusError
    ├── ConfigError                  a configuration that cannot run; holds every fault with its key
    ├── ArgumentError (ValueError)   an argument that is unknown, missing, left over or has no valid value
    │   └── UnknownTaskError (NotImplementedError)   a task that a factory does not build
    ├── UnknownNameError             a name that no registry knows
    │   └── NotRegisteredError (KeyError)   the same, where a mapping was asked
    ├── RegistrationError (TypeError)       something that cannot be registered
    ├── CompositionError (ValueError)       parts that do not fit together
    │   └── EncoderContractError (AttributeError)   an encoder that does not say what it gives
    ├── ShapeError (ValueError)      a tensor whose shape breaks a contract
    ├── DataError (ValueError)       files or samples that cannot be used
    │   ├── PairingError             images and labels that do not pair
    │   ├── RasterError              a raster that cannot be read or written
    │   ├── BandError                a band that is not there
    │   └── LabelError               a label outside the classes
    ├── WeightsError                 weights that cannot be found, trusted or fitted
    ├── DivergenceError (ArithmeticError)   a loss that is no longer a number
    └── MissingExtraError (ImportError)     an optional dependency that is not installed

Every message says what happened, where (the configuration key or the file), what was there, what was expected and,
where there is one, the nearest valid choice.
"""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


class IsthmusError(Exception):
    """The root of everything that Isthmus raises for a mistake in its input.

    Attributes:
        argument: the argument that is to blame, as the one who raised the error calls it; None where none is, or where
            nobody can tell. Whoever knows where the user wrote it puts the path in front.
    """

    argument: str | None = None

    def __init__(self, message: str = "", *, argument: str | None = None) -> None:
        super().__init__(message)
        self.argument = argument


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a configuration.

    Attributes:
        key: the dotted path of the offending key, as in `model.init_args.model_args.decoder`.
        message: what is wrong there, and what would be right.
    """

    key: str
    message: str

    def __str__(self) -> str:
        return f"{self.key}: {self.message}" if self.key else self.message


class ConfigError(IsthmusError):
    """A configuration that cannot run. `faults` holds every fault that was found, not only the first."""

    def __init__(self, faults: Sequence[Fault], source: str = "the configuration") -> None:
        self.faults = tuple(faults)
        count = "1 fault" if len(self.faults) == 1 else f"{len(self.faults)} faults"
        lines = "\n".join(f"  {fault}" for fault in self.faults)
        super().__init__(f"{source} has {count}:\n{lines}")


class ArgumentError(IsthmusError, ValueError):
    """An argument that is unknown, missing, left over or has no valid value."""


class UnknownTaskError(ArgumentError, NotImplementedError):
    """A task that a factory does not build."""


class UnknownNameError(IsthmusError):
    """A name that no registry knows."""


class NotRegisteredError(UnknownNameError, KeyError):
    """A name that no registry knows, where a mapping was asked for it."""

    def __str__(self) -> str:  # KeyError would show the message in quotes
        return Exception.__str__(self)


class RegistrationError(IsthmusError, TypeError):
    """Something that cannot be registered."""


class CompositionError(IsthmusError, ValueError):
    """Parts that do not fit together."""


class EncoderContractError(CompositionError, AttributeError):
    """An encoder that does not say what it gives."""


class ShapeError(IsthmusError, ValueError):
    """A tensor whose shape breaks a contract."""


class DataError(IsthmusError, ValueError):
    """Files or samples that cannot be used."""


class PairingError(DataError):
    """Images and labels that do not pair."""


class RasterError(DataError):
    """A raster that cannot be read or written."""


class BandError(DataError):
    """A band that is not there."""


class LabelError(DataError):
    """A label outside the classes."""


class WeightsError(IsthmusError):
    """Weights that cannot be found, trusted or fitted."""


class DivergenceError(IsthmusError, ArithmeticError):
    """A loss that is no longer a number."""


class MissingExtraError(IsthmusError, ImportError):
    """An optional dependency that is not installed."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"this needs the package {package!r}; install it with: pip install 'isthmus[{extra}]'")


def nearest(name: str, choices: Iterable[str], count: int = 3) -> list[str]:
    """The names among `choices` that are most like `name`, best first, compared without regard to case."""
    by_folded: dict[str, str] = {}
    for choice in choices:
        by_folded.setdefault(choice.lower(), choice)
    return [by_folded[match] for match in difflib.get_close_matches(name.lower(), by_folded, count, 0.6)]


def did_you_mean(name: str, choices: Iterable[str]) -> str:
    """A sentence fragment that proposes the nearest names, or the empty string where nothing is near.

    >>> did_you_mean("chanels", ["channels", "pool_scales"])
    "; did you mean 'channels'?"
    """
    matches = nearest(name, choices)
    if not matches:
        return ""
    return "; did you mean " + " or ".join(repr(match) for match in matches) + "?"
