"""`isthmus list`: the parts that models are made of, from the facts in the registries."""

import argparse
import fnmatch
import json
import sys
from collections.abc import Iterator
from typing import Any

from isthmus.cli.backbone_filters import Filter, add_options, filters
from isthmus.cli.backbone_table import backbone_table, family_table
from isthmus.config.parts import known_signature
from isthmus.errors import ArgumentError, UnknownNameError, did_you_mean
from isthmus.registry import (
    BACKBONE_REGISTRY,
    DECODER_REGISTRY,
    FULL_MODEL_REGISTRY,
    MODEL_FACTORY_REGISTRY,
    NECK_REGISTRY,
)
from isthmus.registry.multi import Source
from isthmus.report.text_table import text_table

OWN = "isthmus"
SOURCES: dict[str, dict[str, Source]] = {
    "backbones": dict(BACKBONE_REGISTRY.items()),
    "necks": dict(NECK_REGISTRY.items()),
    "decoders": dict(DECODER_REGISTRY.items()),
    "models": dict(FULL_MODEL_REGISTRY.items()),
    "factories": {OWN: MODEL_FACTORY_REGISTRY},
}

_ONE = {"backbones": "backbone", "necks": "neck", "decoders": "decoder", "models": "model", "factories": "factory"}


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
    listing = {kind: _select(kind, pattern, source, asked) for kind in kinds}
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
        whole = pattern is None and source is None
        shown = [
            _section(kind, records, whole=whole, brief=whole and len(kinds) > 1)
            for kind, records in listing.items()
            if records or whole
        ]
        sys.stdout.write("\n\n".join(shown) + "\n")
    return 0


def _parser(name: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        f"isthmus {name}",
        description="Show the parts that models are made of. Without a pattern or a source, the parts of Isthmus "
        "itself are listed and those of the other packages counted.",
    )
    parser.add_argument("kind", nargs="?", help=f"one of {', '.join(SOURCES)}; all of them if left out")
    parser.add_argument("pattern", nargs="?", help="part of a name, or a pattern such as 'vit_*patch16*'")
    parser.add_argument("--source", choices=["isthmus", "timm", "smp", "mmseg"], help="only parts from this package")
    parser.add_argument("--json", action="store_true", help="print every fact as JSON")
    add_options(parser)
    return parser


def _only_backbones(kind: str | None, pattern: str | None) -> list[str]:
    if kind not in (None, pattern, "backbones"):
        raise ArgumentError(f"the options that choose by facts are for backbones, not for {kind}")
    return ["backbones"]


def _select(kind: str, pattern: str | None, source: str | None, asked: list[Filter]) -> list[dict[str, Any]]:
    records = [
        record
        for prefix in SOURCES[kind]
        if source in (None, prefix)
        for record in _records(kind, prefix, pattern)
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


def _records(kind: str, prefix: str, pattern: str | None = None) -> Iterator[dict[str, Any]]:
    registry = SOURCES[kind][prefix]
    for name in registry:
        if pattern is None or _matches(pattern, name, prefix):
            yield _record(kind, prefix, registry, name)


def _record(kind: str, prefix: str, registry: Source, name: str) -> dict[str, Any]:
    shown = name if prefix == OWN else f"{prefix}_{name}"
    return {"kind": _ONE[kind], "name": shown, "registry": prefix, **registry.entry(name).facts}


def _section(kind: str, records: list[dict[str, Any]], *, whole: bool, brief: bool) -> str:
    shown = [record for record in records if record["registry"] == OWN] if whole else records
    own = sum(1 for record in records if record["registry"] == OWN)
    parts = [f"{kind} ({own} of Isthmus)" if whole else f"{kind} ({len(shown)})"]
    if brief and kind == "backbones":
        parts += [family_table(shown), f"each of them: isthmus list {kind}"]
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
    rows = [
        [record["name"], "yes" if record.get("includes_head") else None, record.get("source"), record.get("doc")]
        for record in records
    ]
    return text_table(["name", "head included", "source", "what it does"], rows)


def _details(record: dict[str, Any]) -> str:
    """Everything that is known about one part, with its arguments."""
    lines = [f"{record['name']}  ({record['kind']})"]
    for key, value in record.items():
        if key in ("kind", "name") or value is None:
            continue
        text = " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
        lines.append(f"  {key.replace('_', ' '):<14} {text}")
    plural = next(kind for kind, one in _ONE.items() if one == record["kind"])
    signature = known_signature(SOURCES[plural][record["registry"]].entry(_bare(record)))
    if signature is not None and signature.parameters:
        arguments = [
            parameter.name if parameter.default is None else f"{parameter.name}={parameter.default}"
            for parameter in signature.parameters
        ]
        lines.append(f"  {'arguments':<14} {', '.join(arguments)}")
    return "\n".join(lines) + "\n"


def _bare(record: dict[str, Any]) -> str:
    name, prefix = str(record["name"]), record["registry"]
    return name if prefix == OWN else name.removeprefix(f"{prefix}_")


def _nearest(pattern: str, kinds: list[str]) -> str:
    return did_you_mean(pattern.strip("*"), [*_names(kinds), *SOURCES])


def _names(kinds: list[str]) -> Iterator[str]:
    for kind in kinds:
        for prefix, registry in SOURCES[kind].items():
            yield from (name if prefix == OWN else f"{prefix}_{name}" for name in registry)
