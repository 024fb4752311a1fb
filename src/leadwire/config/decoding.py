"""Turns a table of the file into its settings struct, and notes everything that is wrong with it, not only the first thing."""

import re
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import msgspec

from leadwire.config.environment import Filled, Unfilled
from leadwire.config.problems import Problems, nearest, shown, suggestion
from leadwire.config.shape import Field, bare, fields_of, shape_of, words_of
from leadwire.sdk.settings import Secret, decode_setting

_FILE_URL = re.compile(r"^(sqlite|duckdb):///(?![/:])(.+)$")
_WORDS = {
    "`int`": "a whole number",
    "`str`": "a text",
    "`float`": "a number",
    "`bool`": "true or false",
    "`array`": "a list",
    "`object`": "a table",
}
_NOTHING: Any = object()


class Decoder:
    """Decodes the tables of one file. `folder` is where its relative file names start."""

    def __init__(self, folder: Path, problems: Problems) -> None:
        self._folder = folder
        self._problems = problems

    def struct(self, table: dict[str, Any], struct: type[msgspec.Struct], key: str) -> Any | None:
        """The struct that the table describes; None, with the problems noted, where it does not."""
        before = len(self._problems.found)
        is_whole = True
        fields = fields_of(struct)
        self.refuse_unknown(table, [field.name for field in fields], key)
        values: dict[str, Any] = {}
        for field in fields:
            path = f"{key}.{field.name}" if key else field.name
            if field.name in table:
                value = self.value(table[field.name], field.kind, path)
                is_whole = is_whole and value is not _NOTHING
                if field.is_required and isinstance(value, Secret) and not value:
                    self._problems.add(path, "is empty: give it the secret's value")
                values[field.attribute] = value
            elif field.is_required:
                self._problems.add(path, _missing(field, path))
        if not is_whole or len(self._problems.found) > before:
            return None
        try:
            return struct(**values)
        except ValueError as error:
            self._refused_whole(table, [field.name for field in fields if not field.shape.is_secret], str(error), key)
            return None

    def _refused_whole(self, table: dict[str, Any], showable: list[str], message: str, key: str) -> None:
        """Notes what a struct says of itself; a message that begins with a setting's name is put under that setting."""
        name, _, rest = message.partition(" ")
        if not rest or not name.isidentifier() or name not in table:
            self._problems.add(key, message)
            return
        value = table[name]
        raw = value.raw if isinstance(value, Filled) else None
        self._problems.add(f"{key}.{name}", rest, value=_masked(value, raw) if name in showable else None)

    def refuse_unknown(self, table: dict[str, Any], known: list[str], key: str) -> None:
        """Notes every key of the table that is no setting."""
        for name in table:
            if name not in known:
                path = f"{key}.{name}" if key else name
                self._problems.add(path, f"there is no such setting; {suggestion(name, known, 'settings')}")

    def value(self, value: Any, kind: Any, key: str) -> Any:
        """The decoded value, or a mark that it could not be decoded (the problem is noted)."""
        if isinstance(value, Unfilled):
            return _NOTHING
        shape = shape_of(kind)
        if shape.form == "struct" and isinstance(value, dict):
            decoded = self.struct(value, shape.inner, key)
            return _NOTHING if decoded is None else decoded
        if shape.form == "list" and isinstance(value, list):
            return self._collect(
                [(f"{key}[{index}]", item) for index, item in enumerate(value)], shape.inner, shape.kind
            )
        if shape.form == "dict" and isinstance(value, dict):
            items = self._collect([(f"{key}.{name}", item) for name, item in value.items()], shape.inner, list)
            return _NOTHING if items is _NOTHING else dict(zip(value, items, strict=True))
        if shape.kind is Secret:
            return self._secret(value, key)
        return self._leaf(value, kind, key)

    def _collect(self, items: list[tuple[str, Any]], inner: Any, kind: Any) -> Any:
        values = [self.value(item, inner, path) for path, item in items]
        return _NOTHING if any(value is _NOTHING for value in values) else kind(values)

    def _secret(self, value: Any, key: str) -> Any:
        if not isinstance(value, str):
            self._problems.add(key, f"expected a text, got {_type_words(value)}")
            return _NOTHING
        text = str(value)
        if text.startswith("file:"):
            return self._secret_file(text.removeprefix("file:"), key)
        if not text and isinstance(value, Filled):
            names = " and ".join(value.names)
            self._problems.add(key, f"the environment variable {names} is empty: give it the secret's value")
            return _NOTHING
        return Secret(text)

    def _secret_file(self, name: str, key: str) -> Any:
        path = self._folder / re.sub("^//(?=/)", "", name)
        try:
            text = path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is no text"
            self._problems.add(key, f"the file {path} can't be read ({reason}): write the secret into it", value=None)
            return _NOTHING
        if not text:
            self._problems.add(key, f"the file {path} is empty: write the secret into it")
            return _NOTHING
        return Secret(text)

    def _leaf(self, value: Any, kind: Any, key: str) -> Any:
        raw = value.raw if isinstance(value, Filled) else None
        plain = self._plain(value)
        try:
            is_text = shape_of(kind).kind is str
            return msgspec.convert(plain, kind, dec_hook=decode_setting, strict=raw is None or is_text)
        except msgspec.ValidationError as error:
            message = _in_words(str(error), plain, kind)
            if "matching regex" in message:
                message = f"does not look right: {words_of(kind)[1] or message}"
            if raw is not None:
                message = message.replace(str(plain), raw)
            self._problems.add(key, message, value=_masked(value, raw))
            return _NOTHING

    def _plain(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self._plain(item) for name, item in value.items()}
        if isinstance(value, list):
            return [self._plain(item) for item in value]
        if not isinstance(value, str):
            return None if isinstance(value, Unfilled) else value
        match = _FILE_URL.match(value)
        return f"{match[1]}:///{self._folder / match[2]}" if match else str(value)


def _missing(field: Field, path: str) -> str:
    example = '"…"'
    if field.shape.is_secret and field.shape.form == "leaf":
        example = f'"${{{re.sub("[^A-Z0-9]+", "_", path.partition(".")[2].upper())}}}"'
    what = f"{field.name} = {example}" if field.shape.form == "leaf" else field.name
    return f"is missing: add {what}" + (f" ({field.help.rstrip('.')})" if field.help else "")


def _in_words(message: str, value: Any, kind: Any) -> str:
    choices = _choices(kind)
    if choices and not isinstance(value, dict | list):
        match = nearest(str(value), choices)
        listed = ", ".join(f'"{choice}"' for choice in choices)
        return f"expected one of {listed}" + (f'; did you mean "{match}"?' if match else "")
    message = message.partition(" - at `$")[0]
    for name, words in _WORDS.items():
        message = message.replace(name, words)
    return message[:1].lower() + message[1:] if message[:9] == "Expected " else message


def _choices(kind: Any) -> list[str]:
    inside = bare(shape_of(kind).kind)
    return [str(choice) for choice in get_args(inside)] if get_origin(inside) is Literal else []


def _type_words(value: Any) -> str:
    names = {bool: "true or false", int: "a whole number", float: "a number", dict: "a table", list: "a list"}
    return names.get(type(value), type(value).__name__)


def _masked(value: Any, raw: str | None) -> str | None:
    text = shown(value, raw)
    return None if text is None else re.sub(r"(://[^/@:\s]*:)[^@/\s]+@", r"\1…@", text)
