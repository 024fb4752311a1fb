"""Copies of a live ledger, through SQLite's backup API only."""

import os
from pathlib import Path

import apsw

from leadwire.model.errors import StoreRefused

_PAGES_PER_STEP = 1_000


def copy_ledger(source: apsw.Connection, target: Path, *, replace: bool) -> None:
    """Writes a complete, synced copy: `target` is whole or not there. It holds everything that was committed when the copy ended
    its last pass; a writer in another process makes it start over, one in this process is followed.

    Raises StoreRefused where the target exists and is not to be replaced.
    """
    if target.exists() and not replace:
        raise StoreRefused(f"{target} exists already: name another file")
    unfinished = target.with_name(f"{target.name}.part")
    for leftover in (unfinished, Path(f"{unfinished}-journal")):
        leftover.unlink(missing_ok=True)
    unfinished.touch(mode=0o600)
    copy = apsw.Connection(str(unfinished))
    try:
        with copy.backup("main", source, "main") as under_way:
            while not under_way.done:
                under_way.step(_PAGES_PER_STEP)
        copy.pragma("journal_mode", "delete")
    finally:
        copy.close(True)
    unfinished.rename(target)
    sync_folder(target.parent)


def sync_folder(folder: Path) -> None:
    """Makes a rename in the folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
