"""`Plan`: what a composition would be, as numbers, a table or a dict."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from isthmus.plan.advice import as_yaml
from isthmus.plan.trace import Stage

_COLUMNS = ("stage", "part", "parameters", "output", "stride", "GFLOP", "peak MB")


@dataclass
class Plan:
    """A composition as it would run, stage by stage.

    Attributes:
        stages: what every part does, in the order in which data flows.
        image_size: the (height, width) of the images.
        batch_size: how many images.
        necks: the chain of necks, as a configuration holds it.
        derived: whether the chain was derived (`necks: auto`) rather than given.
        on_meta: whether the run was on the `meta` device; if not, a part had to be run for real on one image.
        output: the shapes of the model's predictions, the main one first.
    """

    stages: list[Stage]
    image_size: tuple[int, int]
    batch_size: int
    necks: list[dict[str, Any]] = field(default_factory=list)
    derived: bool = False
    on_meta: bool = True
    output: list[tuple[int, ...]] = field(default_factory=list)

    @property
    def parameters(self) -> int:
        """How many numbers the model learns, frozen ones included."""
        return sum(stage.parameters for stage in self.stages)

    @property
    def trainable(self) -> int:
        """How many numbers are trained."""
        return sum(stage.trainable for stage in self.stages)

    @property
    def flops(self) -> int:
        """Floating-point operations of one forward pass over the batch."""
        return sum(stage.flops or 0 for stage in self.stages)

    @property
    def peak_bytes(self) -> int:
        """Most bytes of activations alive at once (float32, no gradients)."""
        return max((stage.peak_bytes or 0 for stage in self.stages), default=0)

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain data, for machines."""
        totals = {name: getattr(self, name) for name in ("parameters", "trainable", "flops", "peak_bytes")}
        return {**asdict(self), "totals": totals}

    def table(self) -> str:
        """Everything as text, for people."""
        rows = [_row(stage) for stage in self.stages]
        total = ("total", "", _count(self.parameters), "", "", _giga(self.flops), _mega(self.peak_bytes))
        size = f"{self.batch_size} x {self.image_size[0]} x {self.image_size[1]}"
        lines = [f"images: {size} (batch x height x width)", "", *_align([_COLUMNS, *rows, total])]
        lines += ["", f"prediction: {', '.join(map(str, self.output))}"]
        if self.trainable != self.parameters:
            lines.append(f"trainable: {_count(self.trainable)} of {_count(self.parameters)} parameters")
        if self.derived:
            lines += ["", "necks derived by `auto`; to fix them, paste:" if self.necks else "no necks are needed"]
            lines += [as_yaml(self.necks)] if self.necks else []
        if not self.on_meta:
            lines += ["", "a part cannot run without values, so the model was run for real on one image"]
        return "\n".join(lines)


def _row(stage: Stage) -> tuple[str, ...]:
    shapes = [str(shape) for shape in stage.outputs]
    distinct = list(dict.fromkeys(shapes))
    shown = " ".join(f"{shapes.count(shape)}x{shape}" if shapes.count(shape) > 1 else shape for shape in distinct)
    strides = list(dict.fromkeys("-" if stride is None else _stride(stride) for stride in stage.strides))
    return (
        stage.name,
        stage.part,
        _count(stage.parameters),
        shown,
        " ".join(strides),
        _giga(stage.flops or 0),
        _mega(stage.peak_bytes or 0),
    )


def _stride(stride: tuple[float, float]) -> str:
    vertical, horizontal = (f"{value:.3g}" for value in stride)
    return vertical if vertical == horizontal else f"{vertical}x{horizontal}"


def _count(number: int) -> str:
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= size:
            return f"{number / size:.1f}{unit}"
    return str(number)


def _giga(number: int) -> str:
    return f"{number / 1e9:.2f}"


def _mega(number: int) -> str:
    return f"{number / 1e6:.0f}"


def _align(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    right = {"parameters", "GFLOP", "peak MB"}
    lines = []
    for row in rows:
        cells = [
            cell.rjust(width) if name in right else cell.ljust(width)
            for cell, width, name in zip(row, widths, _COLUMNS, strict=True)
        ]
        lines.append("  ".join(cells).rstrip())
    rule = "  ".join("-" * width for width in widths)
    return [lines[0], rule, *lines[1:-1], rule, lines[-1]]
