"""Reading a configuration file."""

import re
from pathlib import Path
from typing import Any

import yaml

from isthmus.errors import ConfigError, Fault

_FLOAT = re.compile(r"[-+]?(\d[\d_]*\.?|\d*\.\d+|\d+\.\d*)[eE][-+]?\d+$")


class _Loader(yaml.SafeLoader):
    """YAML without surprises: `1e-4` is a number, and a key that comes twice is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        first: dict[Any, yaml.Node] = {}
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, str | int) and key in first:
                problem = f"the key {key!r} was given already in line {first[key].start_mark.line + 1}"
                raise yaml.constructor.ConstructorError(None, None, problem, key_node.start_mark)
            if isinstance(key, str | int):
                first[key] = key_node
        return super().construct_mapping(node, deep)


_Loader.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, list("-+0123456789."))


def load_config(path: str | Path) -> dict[str, Any]:
    """Read a configuration file.

    Raises:
        ConfigError: it cannot be read, is not YAML, names a key twice or holds something else than a mapping; the
            message names the file and the line.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError([Fault("", f"there is no such file{_nearby(Path(path))}")], str(path)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([Fault("", f"it cannot be read: {error}")], str(path)) from error
    try:
        config = yaml.load(text, _Loader)
    except yaml.YAMLError as error:
        raise ConfigError([Fault("", _explain(error))], str(path)) from error
    if not isinstance(config, dict):
        found = "nothing" if config is None else f"a {type(config).__name__}"
        raise ConfigError([Fault("", f"expected keys with values, as in `trainer:`, but found {found}")], str(path))
    return config


def parse_value(text: str) -> Any:
    """A value from the command line, read as YAML reads it; text that is not YAML stays text.

    >>> parse_value("1e-4"), parse_value("[1, 2]"), parse_value("*.tif")
    (0.0001, [1, 2], '*.tif')
    """
    try:
        return yaml.load(text, _Loader)
    except yaml.YAMLError:
        return text


def _nearby(path: Path) -> str:
    siblings = sorted(file.name for pattern in ("*.yaml", "*.yml") for file in path.parent.glob(pattern))
    if not siblings:
        return ""
    listed = ", ".join(siblings[:8]) + (", ..." if len(siblings) > 8 else "")
    return f"; beside it there are: {listed}"


def _explain(error: yaml.YAMLError) -> str:
    if not isinstance(error, yaml.MarkedYAMLError):
        return str(error)
    mark = error.problem_mark or error.context_mark
    where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    context = f" ({error.context})" if error.context else ""
    return f"{where}{error.problem or 'this is not YAML'}{context}"
