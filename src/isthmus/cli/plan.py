"""`isthmus plan`: what a model would be and cost."""

import argparse
import json

from isthmus.cli.console import say
from isthmus.cli.training import read_config
from isthmus.config.check import check_config
from isthmus.errors import ArgumentError, ConfigError


def run(name: str, words: list[str]) -> int:
    """Answer `isthmus plan`."""
    given, overrides = _parser(name).parse_known_args(words)
    config = read_config(given.config, overrides)
    if "model" in config and "model_factory" not in config:  # otherwise they are the arguments of a factory
        faults = [fault for fault in check_config(config, name) if fault.key.partition(".")[0] == "model"]
        if faults:
            raise ConfigError(faults, " and ".join(given.config))

    from isthmus.plan import plan  # imports torch

    size = given.image_size
    if size is not None and len(size) > 2:
        raise ArgumentError(f"--image-size takes a height and a width, or one number for both, not {len(size)} numbers")
    planned = plan(config, image_size=size[0] if size and len(size) == 1 else size, batch_size=given.batch_size)
    say(json.dumps(planned.to_dict(), indent=2) if given.json else planned.table())
    return 0


def _parser(name: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        f"isthmus {name}",
        description="Build the model of a configuration without memory and arithmetic, and show every stage: its "
        "parameters, shapes, strides, operations and memory, and, with `necks: auto`, the necks that were derived. "
        "What does not fit is named with the necks that would mend it.",
        allow_abbrev=False,
    )
    parser.add_argument("-c", "--config", action="append", required=True, metavar="FILE", help="a YAML file")
    parser.add_argument(
        "--image-size",
        nargs="+",
        type=int,
        metavar="PIXELS",
        help="of the images: height and width, or one number for both; that of the backbone by default",
    )
    parser.add_argument("--batch-size", type=int, default=1, metavar="N", help="images in a batch (1 by default)")
    parser.add_argument("--json", action="store_true", help="print the plan as JSON")
    return parser
