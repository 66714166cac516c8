"""What the command says to whoever called it."""

import sys


def say(text: str = "") -> None:
    """Write a line to the standard output at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
