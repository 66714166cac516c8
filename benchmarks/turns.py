"""Programs that take turns step by step, so that whatever else the machine does meets all of them alike.

A machine that is shared changes its speed within seconds: programs that are measured one after the other tell more
about that than about themselves. Here each is a process that does one step when it is its turn and waits meanwhile;
ratios are those of neighbouring steps.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from typing import Any

_MARK = "@turn "


def wait() -> str:
    """In a program: wait for its turn. What it is to do; nothing where it is done."""
    return sys.stdin.readline().strip()


def tell(**what: Any) -> None:
    """In a program: say how it went."""
    print(_MARK + json.dumps(what), flush=True)


class Player:
    """A program that waits for its turns.

    Args:
        command: its words.
        env: what its environment has besides.

    Attributes:
        about: what it told when it was ready.
    """

    def __init__(self, command: list[str], env: dict[str, str] | None = None) -> None:
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115  (as long as the program)
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env={**os.environ, "OMP_WAIT_POLICY": "passive", **(env or {})},  # who waits is not to spin
        )
        self.about = self._hear()

    def play(self, work: str) -> dict[str, Any]:
        """Let it do one step; what it tells."""
        assert self._process.stdin is not None
        self._process.stdin.write(work + "\n")
        self._process.stdin.flush()
        return self._hear()

    def leave(self) -> None:
        """Let it end."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def _hear(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith(_MARK):
                told: dict[str, Any] = json.loads(line.removeprefix(_MARK))
                return told
        self._errors.seek(0)
        sys.exit(f"{' '.join(map(str, self._process.args))} failed:\n{self._errors.read()[-3000:]}")  # type: ignore[arg-type]


def alternate(players: dict[str, Player], work: str, steps: int, warmup: int) -> dict[str, list[dict[str, Any]]]:
    """Let programs do a work in turn, so many times each; who begins alternates.

    Returns:
        What each told of every step behind the warm-up.
    """
    told: dict[str, list[dict[str, Any]]] = {name: [] for name in players}
    for turn in range(warmup + steps):
        for name in list(players)[:: 1 if turn % 2 == 0 else -1]:
            told[name].append(players[name].play(work))
    return {name: each[warmup:] for name, each in told.items()}


def ratio(theirs: list[dict[str, Any]], ours: list[dict[str, Any]], key: str) -> float:
    """How many times as much theirs takes: the median over neighbouring steps."""
    return statistics.median(one[key] / other[key] for one, other in zip(theirs, ours, strict=True))


def median(told: list[dict[str, Any]], key: str) -> float:
    """The median over steps."""
    return statistics.median(each[key] for each in told)
