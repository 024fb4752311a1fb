"""ARCHITECTURE.md names rooms and files that are there, and every room."""

import re

from house.repository import ROOT, SOURCE, page, sections

FILE = re.compile(r"\b([a-z_]+(?:/[a-z_]+)*\.py)\b")
ROOM = re.compile(r"`([a-z_]+(?:/|\.py))`")


def test_every_file_that_is_named_exists() -> None:
    text = page("ARCHITECTURE.md")
    named = {name for name in FILE.findall(text) if "/" in name}
    assert len(named) > 15
    assert [name for name in sorted(named) if not list(SOURCE.glob(name)) and not (ROOT / name).is_file()] == []


def test_every_room_stands_in_the_table_of_layers_and_no_other() -> None:
    rows = [line for line in sections(page("ARCHITECTURE.md"))["Layers"].splitlines() if line.startswith("| `")]
    named = {name.rstrip("/") for row in rows for name in ROOM.findall(row.split("|")[1])}
    rooms = {path.name for path in SOURCE.iterdir() if (path / "__init__.py").is_file()}
    rooms |= {path.name for path in SOURCE.glob("*.py") if not path.name.startswith("__")}
    assert named == rooms


def test_it_fits_on_two_pages() -> None:
    assert len(page("ARCHITECTURE.md").splitlines()) <= 120
