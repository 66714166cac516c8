"""Reading the settings that lie beside weights."""

import json
from pathlib import Path
from typing import Any

from isthmus.errors import WeightsError


def read_json_table(path: Path, what: str) -> dict[str, Any]:
    """Read a JSON file that holds a table.

    Args:
        path: the file.
        what: what it should be, for messages, as "the settings of an adapter".

    Raises:
        WeightsError: it is not there, damaged, or holds no table.
    """
    if not path.is_file():
        raise WeightsError(f"{path} does not exist; {what} was expected there")
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise WeightsError(f"{path} is damaged or no JSON: {error}") from error
    if not isinstance(held, dict):
        raise WeightsError(f"{path} is not {what}: it holds a {type(held).__name__}, not a table")
    return held
