"""`isthmus stats`: the statistics of the samples to train on."""

import argparse
import json
from collections.abc import Sequence
from typing import Any

from isthmus.cli.console import say
from isthmus.cli.training import read_config
from isthmus.config.check import check_config
from isthmus.errors import ConfigError
from isthmus.report.text_table import text_table

_STATISTICS = ("data.init_args.means", "data.init_args.stds")  # what is being sought need not be there


def run(name: str, words: list[str]) -> int:
    """Answer `isthmus stats`."""
    given, overrides = _parser(name).parse_known_args(words)
    config = read_config(given.config, overrides)
    faults = [
        fault
        for fault in check_config(config, name)
        if fault.key.partition(".")[0] == "data" and not fault.key.startswith(_STATISTICS)
    ]
    if faults:
        raise ConfigError(faults, " and ".join(given.config))

    from isthmus.statistics import statistics_from_config

    statistics = statistics_from_config(config["data"]["class_path"], config["data"].get("init_args") or {})
    if given.output:
        statistics.write(given.output)
    facts = statistics.to_dict()
    say(json.dumps(facts, indent=2) if given.json else _text(facts))
    if given.output and not given.json:
        say(f"\nwritten to {given.output}; use it as `means: {given.output}` and `stds: {given.output}`")
    return 0


def _text(facts: dict[str, Any]) -> str:
    columns = ["band", "mean", "std", "min", "max", "pixels"]
    keys = ("means", "stds", "minimums", "maximums")
    bands = [
        [band, *(f"{facts[key][index]:.6g}" for key in keys), facts["valid_pixels"][index]]
        for index, band in enumerate(facts["bands"])
    ]
    parts = [f"{facts['samples']} images", text_table(columns, bands, numbers=columns[1:])]
    if "classes" in facts:
        header = ["class", "pixels", "percent", "weight"]
        rows = [
            [row["name"], row["pixels"], f"{row['percent']:.2f}", f"{row['weight']:.3f}"] for row in facts["classes"]
        ]
        parts.append(text_table(header, rows, numbers=header[1:]))
        parts.append(f"{facts['ignored_pixels']} pixels have no label")
    parts.append(f"for the configuration:\n  means: {_list(facts['means'])}\n  stds: {_list(facts['stds'])}")
    return "\n\n".join(parts)


def _list(values: Sequence[float]) -> str:
    return "[" + ", ".join(f"{value:.6g}" for value in values) + "]"


def _parser(name: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        f"isthmus {name}",
        description="Compute means and standard deviations of the bands, for normalisation, and the pixels of each "
        "class, with weights that balance them, from the samples to train on.",
        allow_abbrev=False,
    )
    parser.add_argument("-c", "--config", action="append", required=True, metavar="FILE", help="a YAML file")
    parser.add_argument("-o", "--output", metavar="FILE", help="write them to this YAML file too")
    parser.add_argument("--json", action="store_true", help="print them as JSON")
    return parser
