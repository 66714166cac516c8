"""`isthmus demo`: a landscape is drawn, learned from and mapped, without any data or network."""

import argparse

from isthmus.cli.console import say


def run(name: str, words: list[str]) -> int:
    """Answer `isthmus demo`."""
    parser = argparse.ArgumentParser(
        f"isthmus {name}",
        description="Draw a landscape with several bands, clouds and noise, train on a part of it, test on another, "
        "map it as a whole, and say by how much the map beats a classifier of single pixels. It takes some minutes.",
    )
    parser.add_argument("--out", metavar="DIR", help="where everything goes; `demo` by default")
    given = parser.parse_args(words)

    from isthmus.demo import run as run_demo

    say(str(run_demo(given.out)))
    return 0
