"""The `isthmus` command: one module a subcommand, imported only when it is called."""

from isthmus.cli.dispatcher import main

__all__ = ["main"]
