"""From the first word of the command line to the module that answers it."""

import importlib
import os
import sys
import traceback
from collections.abc import Sequence

from isthmus._version import VERSION
from isthmus.errors import IsthmusError, UnknownNameError, did_you_mean

COMMANDS = {
    "fit": ("isthmus.cli.training", "train a model"),
    "validate": ("isthmus.cli.training", "score a model on the validation split"),
    "test": ("isthmus.cli.training", "score a model on the test split"),
    "predict": ("isthmus.cli.training", "write one map for each image"),
    "plan": ("isthmus.cli.plan", "show what a model would be and cost, before anything is paid for"),
    "list": ("isthmus.cli.list", "show the backbones, necks, decoders and factories"),
    "stats": ("isthmus.cli.stats", "compute the statistics of a data set, for normalisation"),
    "demo": ("isthmus.cli.demo", "train, test and map a landscape that is drawn on the spot"),
}

FINE, MISTAKE, INTERRUPTED = 0, 2, 130

_DEBUG = "--debug"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: the words behind `isthmus`; those of the process where it is None.

    Returns:
        The exit status: 0 if all went well, 2 for a mistake in what was asked or given, 130 when interrupted.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    debug = _DEBUG in words or os.environ.get("ISTHMUS_DEBUG") == "1"
    try:
        return _answer([word for word in words if word != _DEBUG])
    except IsthmusError as error:
        if debug:
            traceback.print_exc()
        else:
            sys.stderr.write(f"isthmus: {_without_traceback(str(error))}\n")
        return MISTAKE
    except KeyboardInterrupt:
        sys.stderr.write("isthmus: interrupted\n")
        return INTERRUPTED
    except BrokenPipeError:  # what reads the output, such as `head`, has enough
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123  (flushed at exit)
        return FINE
    except SystemExit as leaving:  # argparse has said why
        return leaving.code if isinstance(leaving.code, int) else MISTAKE if leaving.code else FINE


def _answer(words: list[str]) -> int:
    if not words or words[0] in ("-h", "--help", "help"):
        sys.stdout.write(_usage())
        return FINE
    if words[0] in ("-V", "--version"):
        sys.stdout.write(f"isthmus {VERSION}\n")
        return FINE
    name, *rest = words
    if name not in COMMANDS:
        hint = did_you_mean(name, COMMANDS) or f"; there are: {', '.join(COMMANDS)}"
        raise UnknownNameError(f"there is no command {name!r}{hint}")
    module, _ = COMMANDS[name]
    status: int = importlib.import_module(module).run(name, rest)
    return status


def _without_traceback(message: str) -> str:
    """What an error says that a worker process has wrapped into where it arose."""
    if "Original Traceback" not in message:
        return message
    last = message[message.rindex("\nisthmus.") + 1 :] if "\nisthmus." in message else message
    return last.partition(": ")[2].rstrip() or message


def _usage() -> str:
    width = max(map(len, COMMANDS))
    commands = "\n".join(f"  {name:<{width}}  {what}" for name, (_, what) in COMMANDS.items())
    return f"""usage: isthmus COMMAND ...

Compose encoder, neck, decoder and head models from named parts, fine-tune them on Earth observation rasters,
and turn them into maps.

commands:
{commands}

  isthmus COMMAND --help says more about one of them
  --version              the version of Isthmus
  --debug                show where in the program an error arose (or set ISTHMUS_DEBUG=1)

begin with:
  isthmus demo
  isthmus plan -c config.yaml
  isthmus fit -c config.yaml
"""
