"""What can be wrong with a configuration, said so that it can be mended: file, key, value and fix."""

import difflib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from leadwire.model.errors import ConfigError


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to mend. `key` is the path of the setting ("sources.meta.pages[0].id"; empty = the whole file).

    `value` is the value as the file has it, None for secrets and wherever there is none to show.
    """

    file: str
    key: str
    message: str
    value: str | None = None

    def __str__(self) -> str:
        where = f"{self.file}: {self.key}" if self.key else self.file
        return f"{where}: {self.message}" if self.value is None else f"{where} = {self.value}: {self.message}"


class Problems:
    """Collects what is wrong in one file."""

    def __init__(self, path: Path) -> None:
        self.file = path.name
        self.found: list[Problem] = []

    def add(self, key: str, message: str, *, value: str | None = None) -> None:
        """Notes a problem; the value is None where it must not be shown."""
        self.found.append(Problem(file=self.file, key=key, message=message, value=value))


def refusal(problems: Sequence[Problem]) -> ConfigError:
    """The error that names every problem, one line each."""
    return ConfigError("\n".join(str(problem) for problem in problems))


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known name that looks most like this one; None where none does."""
    matches = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return matches[0] if matches else None


def suggestion(word: str, known: Iterable[str], kind: str) -> str:
    """'did you mean "x"?', or the list of what there is."""
    names = sorted(known)
    match = nearest(word, names)
    if match is not None:
        return f'did you mean "{match}"?'
    return f"known {kind}: {', '.join(names)}" if names else f"there are no {kind}"


def shown(value: object, raw: str | None = None) -> str | None:
    """A value as the file has it, cut to a readable length; None for tables and lists."""
    if raw is not None:
        value = raw
    if isinstance(value, dict | list):
        return None
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 80 else text[:77] + "…"
