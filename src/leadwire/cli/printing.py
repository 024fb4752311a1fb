"""How commands print: JSON for programs, aligned columns for people."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import typer


def print_json(value: object) -> None:
    """One JSON value, indented."""
    typer.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def print_table(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str], empty: str) -> None:
    """Rows under their headings (key of the row: heading); `empty` says it in words where there are none."""
    if not rows:
        typer.echo(empty)
        return
    cells = [list(columns.values()), *([cell(row.get(key)) for key in columns] for row in rows)]
    widths = [max(len(line[index]) for line in cells) for index in range(len(columns))]
    for line in cells:
        typer.echo("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())


def print_pairs(pairs: Iterable[tuple[str, Any]]) -> None:
    """Names and values, one line each; empty values are left out."""
    shown = [(name, cell(value)) for name, value in pairs if value not in (None, "", [], {})]
    width = max((len(name) for name, _ in shown), default=0)
    for name, text in shown:
        typer.echo(f"{name.ljust(width)}  {text}")


def cell(value: object) -> str:
    """A value as one line of text, without control characters."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple) and not any(isinstance(item, dict | list) for item in value):
        text = ", ".join(str(item) for item in value)
    elif isinstance(value, dict | list | tuple):
        text = msgspec.json.encode(value).decode()
    else:
        text = str(value)
    return "".join(character if character.isprintable() else " " for character in text)
