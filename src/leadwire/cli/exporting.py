"""Writes leads to a file as they come in, a page at a time, so that any number of them fits."""

import csv
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Literal, TextIO

import msgspec

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_FIRST = (
    *("id", "version", "created_at", "updated_at", "is_test", "full_name", "first_name", "last_name", "email", "phone"),
    *("city", "country", "company", "sources"),
)


async def export_leads(leads: AsyncIterator[Any], kind: Literal["json", "csv"], output: Path | None) -> int:
    """Writes every lead and answers how many. A file appears under its name only when it is whole."""
    with _target(output) as target, _progress() as step:
        write = _write_json if kind == "json" else _write_csv
        return await write(leads, target, step)


async def _write_json(leads: AsyncIterator[Any], target: TextIO, step: Callable[[], None]) -> int:
    count = 0
    target.write("[")
    async for lead in leads:
        target.write(",\n" if count else "\n")
        target.write(msgspec.json.encode(lead).decode())
        count += 1
        step()
    target.write("\n]\n")
    return count


async def _write_csv(leads: AsyncIterator[Any], target: TextIO, step: Callable[[], None]) -> int:
    """Two passes: a lead's questions and columns are known only when all were seen."""
    columns: dict[str, None] = dict.fromkeys(_FIRST)
    count = 0
    with tempfile.TemporaryFile() as waiting:
        async for lead in leads:
            row = flat(lead)
            columns |= dict.fromkeys(row)
            waiting.write(msgspec.json.encode(row) + b"\n")
            count += 1
            step()
        waiting.seek(0)
        writer = csv.writer(target, lineterminator="\r\n")
        writer.writerow([safe(name) for name in columns])
        for row in _lines(waiting):
            writer.writerow([safe(row.get(name)) for name in columns])
    return count


def _lines(waiting: IO[bytes]) -> Iterator[dict[str, Any]]:
    for line in waiting:
        yield msgspec.json.decode(line)


def flat(lead: dict[str, Any]) -> dict[str, Any]:
    """A lead as one row: "call.agent", "answers.QUESTION"; its records as the names of their sources."""
    row: dict[str, Any] = {}
    for name, value in lead.items():
        if name == "records" and isinstance(value, list):
            row["sources"] = "; ".join(dict.fromkeys(str(record.get("source")) for record in value))
        elif isinstance(value, dict):
            row |= {f"{name}.{key}": _cell(inner) for key, inner in value.items()}
        else:
            row[name] = _cell(value)
    return row


def _cell(value: Any) -> Any:
    if isinstance(value, list) and not any(isinstance(item, dict | list) for item in value):
        return "; ".join(str(item) for item in value)
    return msgspec.json.encode(value).decode() if isinstance(value, dict | list) else value


def safe(value: Any) -> Any:
    """The cell, with a quote before a text that a spreadsheet would run as a formula (OWASP, CSV injection)."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


@contextmanager
def _target(output: Path | None) -> Iterator[TextIO]:
    if output is None:
        yield sys.stdout
        return
    part = output.with_name(output.name + ".part")
    try:
        with part.open("w", encoding="utf-8", newline="") as target:
            yield target
        part.replace(output)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def _progress() -> Iterator[Callable[[], None]]:
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.completed:.0f} leads"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("leads", total=None)
        yield lambda: progress.advance(task)
