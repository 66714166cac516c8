"""Tables of backbones: each of them, or each family."""

from collections.abc import Mapping, Sequence
from typing import Any

from isthmus.cli.sensors import short_sensor
from isthmus.report.text_table import short_number, text_table

Record = Mapping[str, Any]


def backbone_table(records: Sequence[Record]) -> str:
    """A line for each backbone, below the name of its family."""
    header = ["name", "parameters", "bands", "sensors", "patch", "licence", "weights"]
    rows: list[list[object]] = []
    for family, members in _families(records).items():
        rows += [[family]] if family else []
        rows += [_row(record, indent="  " if family else "") for record in members]
    padded = [row + [None] * (len(header) - len(row)) for row in rows]
    return text_table(header, padded, numbers=["parameters", "bands", "patch"])


def family_table(records: Sequence[Record], kind: str = "backbones") -> str:
    """A line for each family of backbones or of models."""
    rows = [
        [
            family or "others",
            len(members),
            _span([record["parameters"] for record in members if record.get("parameters")]),
            _shortened([sensor for record in members for sensor in record.get("sensors") or ()], 6),
            _shortened([record["license"] for record in members if record.get("license")], 2),
        ]
        for family, members in _families(records).items()
    ]
    return text_table(["family", kind, "parameters", "sensors", "licence"], rows, numbers=[kind])


def _row(record: Record, indent: str) -> list[object]:
    bands = record.get("bands")
    return [
        indent + record["name"],
        short_number(record.get("parameters")),
        len(bands) if bands else None,
        _shortened(record.get("sensors") or (), 3),
        _size(record.get("patch_size")),
        record.get("license"),
        record.get("weights") or record.get("source"),
    ]


def _families(records: Sequence[Record]) -> dict[str | None, list[Record]]:
    families: dict[str | None, list[Record]] = {}
    for record in records:
        families.setdefault(record.get("family"), []).append(record)
    return families


def _shortened(names: Sequence[str], shown: int) -> str | None:
    """The first few of several names, each once: `S2, S1, NAIP +2`."""
    short = list(dict.fromkeys(map(short_sensor, names)))
    rest = f" +{len(short) - shown}" if len(short) > shown else ""
    return ", ".join(short[:shown]) + rest or None


def _span(counts: Sequence[int]) -> str | None:
    ends = [short_number(count) for count in dict.fromkeys((min(counts), max(counts)))] if counts else []
    return " to ".join(filter(None, ends)) or None


def _size(size: Any) -> str | None:
    if isinstance(size, list | tuple):
        return "x".join(str(part) for part in size)
    return None if size is None else str(size)
