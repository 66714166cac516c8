"""Which argument is to blame for an error, said by those who know it."""

from collections.abc import Iterator
from contextlib import contextmanager

from isthmus.errors import IsthmusError


@contextmanager
def blaming(argument: str, prefix: str = "") -> Iterator[None]:
    """Let errors that are raised within, and blame nobody, blame an argument.

    Args:
        argument: the argument.
        prefix: what stands before it, and before any that an error blames itself, where the user wrote them.
    """
    try:
        yield
    except IsthmusError as error:
        error.argument = prefix + (error.argument or argument)
        raise
