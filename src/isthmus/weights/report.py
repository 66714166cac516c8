"""What loading weights did, in full."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class WeightsReport:
    """What became of every parameter of a model and of every entry of a checkpoint.

    Attributes:
        source: the file, or the repository and the file in it.
        loaded: parameters and buffers that were copied as they are.
        adapted: parameters that were copied with changes, and which changes.
        random: parameters that the checkpoint does not have and that keep their random values.
        added: parameters that no published weights have, such as prompts, and that keep their initial values.
        ignored: entries of the checkpoint that the model has no use for.
    """

    source: str
    loaded: tuple[str, ...] = ()
    adapted: Mapping[str, str] = field(default_factory=dict)
    random: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    added: tuple[str, ...] = ()

    def __str__(self) -> str:
        rows = [f"weights from {self.source}", f"  loaded   {len(self.loaded):>5}  {_families(self.loaded)}"]
        rows += [f"  adapted  {len(self.adapted):>5}"] + [f"    {key}: {how}" for key, how in self.adapted.items()]
        rows += [f"  random   {len(self.random):>5}  {_families(self.random)}"]
        rows += [f"  ignored  {len(self.ignored):>5}  {_families(self.ignored)}"]
        rows += [f"  added    {len(self.added):>5}  {_families(self.added)}"] if self.added else []
        return "\n".join(row.rstrip() for row in rows)


def _families(keys: tuple[str, ...], shown: int = 8) -> str:
    """The first parts of keys, each once: `blocks (288), norm (2)`."""
    counts: dict[str, int] = {}
    for key in keys:
        family = key.split(".", 1)[0]
        counts[family] = counts.get(family, 0) + 1
    parts = [f"{family} ({count})" for family, count in counts.items()]
    return ", ".join(parts[:shown]) + (", ..." if len(parts) > shown else "")
