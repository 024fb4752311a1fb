"""Fills `${NAME}` in the texts of a parsed file from the environment, and remembers what stood in the file."""

import re
from collections.abc import Mapping
from typing import Any

from leadwire.config.problems import Problems

_REFERENCE = re.compile(r"\$(\$?)\{([^}]*)\}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Filled(str):
    """A text whose `${NAME}` are filled in. `raw` is what the file has; `names` are the variables."""

    __slots__ = ("names", "raw")
    raw: str
    names: tuple[str, ...]


class Unfilled:
    """A text whose variable is not set; its problem is noted already."""


def fill(value: Any, key: str, environment: Mapping[str, str], problems: Problems) -> Any:
    """The value with every text filled; `$${NAME}` stays as `${NAME}`. Missing variables are noted under their key."""
    if isinstance(value, dict):
        return {
            name: fill(item, f"{key}.{name}" if key else name, environment, problems) for name, item in value.items()
        }
    if isinstance(value, list):
        return [fill(item, f"{key}[{index}]", environment, problems) for index, item in enumerate(value)]
    return _fill_text(value, key, environment, problems) if isinstance(value, str) else value


def _fill_text(text: str, key: str, environment: Mapping[str, str], problems: Problems) -> str | Unfilled:
    names = [match[2] for match in _REFERENCE.finditer(text) if not match[1]]
    if not names and "$${" not in text:
        return text
    missing = list(dict.fromkeys(name for name in names if name not in environment))
    for name in missing:
        problems.add(key, _missing(name), value=None)
    if missing:
        return Unfilled()
    filled = Filled(_REFERENCE.sub(lambda match: match[0][1:] if match[1] else environment[match[2]], text))
    filled.raw, filled.names = text, tuple(names)
    return filled


def _missing(name: str) -> str:
    if not _NAME.fullmatch(name):
        return f"${{{name}}} names no environment variable: letters, digits and _ only"
    return f"the environment variable {name} is not set: export {name}=… before the start"
