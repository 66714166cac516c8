"""`isthmus list`: what can be named in a configuration, from what the registries know."""

import argparse
import fnmatch
import json
import sys
from collections.abc import Iterator
from typing import Any

from isthmus.cli.backbone_filters import Filter, add_options, filters
from isthmus.cli.backbone_table import backbone_table, family_table
from isthmus.errors import ArgumentError, UnknownNameError, did_you_mean
from isthmus.registry import (
    BACKBONE_REGISTRY,
    CALLBACK_REGISTRY,
    DATAMODULE_REGISTRY,
    DECODER_REGISTRY,
    FULL_MODEL_REGISTRY,
    HEAD_REGISTRY,
    LOSS_REGISTRY,
    METRIC_REGISTRY,
    MODEL_FACTORY_REGISTRY,
    NECK_REGISTRY,
    TASK_REGISTRY,
)
from isthmus.registry.entry import Entry
from isthmus.registry.multi import Source
from isthmus.registry.sources.static_scan import inherited_signature
from isthmus.report.text_table import text_table

OWN = "isthmus"
SOURCES: dict[str, dict[str, Source]] = {
    "backbones": dict(BACKBONE_REGISTRY.items()),
    "necks": dict(NECK_REGISTRY.items()),
    "decoders": dict(DECODER_REGISTRY.items()),
    "heads": {OWN: HEAD_REGISTRY},
    "models": dict(FULL_MODEL_REGISTRY.items()),
    "factories": {OWN: MODEL_FACTORY_REGISTRY},
    "tasks": {OWN: TASK_REGISTRY},
    "losses": {OWN: LOSS_REGISTRY},
    "metrics": {OWN: METRIC_REGISTRY},
    "datamodules": {OWN: DATAMODULE_REGISTRY},
    "callbacks": dict(CALLBACK_REGISTRY.items()),
}

_ONE = {kind: kind.removesuffix("s") for kind in SOURCES} | {"factories": "factory", "losses": "loss"}
_IN_FAMILIES = ("backbones", "models")
_COLUMNS = {
    "name": "name",
    "includes_head": "head included",
    "proposes": "proposed by auto",
    "compares": "compares",
    "monitor": "watched",
    "source": "source",
    "doc": "what it does",
}


def run(name: str, words: list[str]) -> int:
    """Answer `isthmus list`."""
    given = _parser(name).parse_intermixed_args(words)  # options may stand between the kind and the pattern
    kinds = list(SOURCES) if given.kind is None else [given.kind]
    pattern = given.pattern
    if given.kind is not None and given.kind not in SOURCES:
        if pattern is not None:
            hint = did_you_mean(given.kind, SOURCES) or "."
            raise UnknownNameError(f"there is no kind {given.kind!r}{hint} There are: {', '.join(SOURCES)}")
        kinds, pattern = list(SOURCES), given.kind
    asked = filters(given, _records("backbones", OWN))
    if asked:
        kinds = _only_backbones(given.kind, pattern)
    source = OWN if asked and given.source is None else given.source  # nothing is known about those of others
    whole = pattern is None and source is None and not given.json
    listing = {kind: _select(kind, pattern, source, asked, whole=whole) for kind in kinds}
    count = sum(map(len, listing.values()))
    if pattern is not None and count == 0 and not given.json and not asked:
        raise UnknownNameError(f"nothing is called {pattern!r}{_nearest(pattern, kinds) or '.'}")
    if given.json:
        records = [record for kind in kinds for record in listing[kind]]
        sys.stdout.write(json.dumps(records, indent=2, default=str) + "\n")
    elif asked and count == 0:
        sys.stdout.write("no backbone of Isthmus is known to fit all of that\n")
    elif count == 1 and pattern is not None:
        sys.stdout.write(_details(next(record for records in listing.values() for record in records)))
    else:
        shown = [
            _section(kind, records, whole=whole, brief=whole and len(kinds) > 1)
            for kind, records in listing.items()
            if records or (whole and len(kinds) == 1)
        ]
        sys.stdout.write("\n\n".join(shown) + "\n")
    return 0


def _parser(name: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        f"isthmus {name}",
        description="Show the parts that models are made of, and what there is to train them. Without a pattern or a "
        "source, what is of Isthmus itself is listed and that of the other packages counted.",
    )
    parser.add_argument("kind", nargs="?", help=f"one of {', '.join(SOURCES)}; all of them if left out")
    parser.add_argument("pattern", nargs="?", help="part of a name, or a pattern such as 'vit_*patch16*'")
    parser.add_argument(
        "--source", choices=["isthmus", "timm", "smp", "mmseg", "lightning"], help="only parts from this package"
    )
    parser.add_argument("--json", action="store_true", help="print every fact as JSON")
    add_options(parser)
    return parser


def _only_backbones(kind: str | None, pattern: str | None) -> list[str]:
    if kind not in (None, pattern, "backbones"):
        raise ArgumentError(f"the options that choose by facts are for backbones, not for {kind}")
    return ["backbones"]


def _select(
    kind: str, pattern: str | None, source: str | None, asked: list[Filter], *, whole: bool
) -> list[dict[str, Any]]:
    """What is known of everything that is asked for; with `whole`, of that of Isthmus, and else only the names."""
    records = [
        record
        for prefix in SOURCES[kind]
        if source in (None, prefix)
        for record in _records(kind, prefix, pattern, only_names=whole and prefix != OWN)
        if all(fits(record) for fits in asked)
    ]
    exact = [record for record in records if record["name"] == pattern]
    return exact or records


def _matches(pattern: str, name: str, prefix: str) -> bool:
    folded = pattern.lower()
    if not any(sign in folded for sign in "*?["):
        whole = f"{prefix}_{name}".lower()
        return folded in whole
    return any(fnmatch.fnmatchcase(candidate.lower(), folded) for candidate in (name, f"{prefix}_{name}"))


def _records(
    kind: str, prefix: str, pattern: str | None = None, *, only_names: bool = False
) -> Iterator[dict[str, Any]]:
    registry = SOURCES[kind][prefix]
    for name in registry:
        if pattern is None or _matches(pattern, name, prefix):
            shown = name if prefix == OWN else f"{prefix}_{name}"
            known = {} if only_names else registry.entry(name).described()
            yield {"kind": _ONE[kind], "name": shown, "registry": prefix, **known}


def _section(kind: str, records: list[dict[str, Any]], *, whole: bool, brief: bool) -> str:
    shown = [record for record in records if record["registry"] == OWN] if whole else records
    own = sum(1 for record in records if record["registry"] == OWN)
    parts = [f"{kind} ({own} of Isthmus)" if whole else f"{kind} ({len(shown)})"]
    if brief and kind in _IN_FAMILIES:
        parts += [family_table(shown, kind), f"each of them: isthmus list {kind}"]
    elif shown:
        parts.append(_table(kind, shown))
    for prefix in SOURCES[kind] if whole else ():
        others = sum(1 for record in records if record["registry"] == prefix)
        if prefix != OWN and others:
            parts.append(f"and {others} from {prefix}: isthmus list {kind} --source {prefix}")
    return "\n".join(parts)


def _table(kind: str, records: list[dict[str, Any]]) -> str:
    if kind == "backbones":
        return backbone_table(records)
    rows = [[_cell(record.get(column)) for column in _COLUMNS] for record in records]
    return text_table([*_COLUMNS.values()], rows)


def _cell(value: Any) -> str | None:
    if isinstance(value, bool):
        return "yes" if value else None
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else value


def _details(record: dict[str, Any]) -> str:
    """Everything that is known about one part, with its arguments."""
    lines = [f"{record['name']}  ({record['kind']})"]
    for key, value in record.items():
        if key in ("kind", "name") or value is None:
            continue
        text = " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
        lines.append(f"  {key.replace('_', ' '):<14} {text}")
    plural = next(kind for kind, one in _ONE.items() if one == record["kind"])
    arguments = _arguments(SOURCES[plural][record["registry"]].entry(_bare(record)))
    if arguments:
        lines.append(f"  {'arguments':<14} {', '.join(arguments)}")
    return "\n".join(lines) + "\n"


def _arguments(entry: Entry) -> list[str]:
    """The arguments of a part with their defaults, those that it passes on to its bases too."""
    signature = entry.known_signature()
    if signature is not None and signature.is_open and isinstance(entry.target, str):
        signature = inherited_signature(entry.target) or signature
    return [
        parameter.name if parameter.default is None else f"{parameter.name}={parameter.default}"
        for parameter in (() if signature is None else signature.parameters)
        if parameter.name not in entry.preset
    ]


def _bare(record: dict[str, Any]) -> str:
    name, prefix = str(record["name"]), record["registry"]
    return name if prefix == OWN else name.removeprefix(f"{prefix}_")


def _nearest(pattern: str, kinds: list[str]) -> str:
    return did_you_mean(pattern.strip("*"), [*_names(kinds), *SOURCES])


def _names(kinds: list[str]) -> Iterator[str]:
    for kind in kinds:
        for prefix, registry in SOURCES[kind].items():
            yield from (name if prefix == OWN else f"{prefix}_{name}" for name in registry)
