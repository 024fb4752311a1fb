"""What the CLI does to a ledger's file: migrate, back up, check. Blocking; every function opens and closes its own connection.

`backup` and `check` only read and may run in a second process while the server runs. `migrate` needs the ledger for itself.
"""

from pathlib import Path

import apsw
import msgspec

from leadwire.model.times import Instant
from leadwire.store.sqlite.connection import open_reader
from leadwire.store.sqlite.copying import copy_ledger
from leadwire.store.sqlite.lock import Lock
from leadwire.store.sqlite.opening import Surroundings, damaged, open_for_reading, open_for_writing, refuse_bad_place

_COUNTED = ("events", "records", "leads", "deliveries", "attempts", "fetches")
_FINDINGS_MAX = 20


class CheckReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a check found: `findings` is empty for a sound ledger; `counts` are rows per table."""

    findings: list[str]
    counts: dict[str, int]

    @property
    def is_sound(self) -> bool:
        return not self.findings


def migrate(path: Path, now: Instant, around: Surroundings | None = None) -> None:
    """Brings a ledger to the newest schema (and makes it where there is none), after a copy to `<ledger>.before-NNNN`.

    Raises StoreRefused where a server has the ledger, or a newer leadwire made it.
    """
    around = around or Surroundings()
    refuse_bad_place(path)
    lock = Lock(path)
    try:
        open_for_writing(path, now, around).close(True)
    finally:
        lock.release()


def backup(path: Path, target: Path) -> None:
    """Writes a copy of the ledger to a new file, complete and synced when this returns, also while a server writes to it.

    The copy is one file without a write-ahead log. Erasures that come after it must be repeated on it when it is restored.
    """
    refuse_bad_place(path)
    source = open_for_reading(path, Surroundings())
    try:
        copy_ledger(source, target, replace=False)
    finally:
        source.close(True)


def check(path: Path) -> CheckReport:
    """Reads the whole file: structure, indexes, the full-text index, and counts of rows. Raises StoreRefused where it can't be opened."""
    refuse_bad_place(path)
    try:
        connection = open_reader(path)
    except apsw.Error as error:
        raise damaged(path, str(error)) from error
    try:
        findings = [str(row[0]) for row in connection.execute(f"PRAGMA integrity_check({_FINDINGS_MAX})")]
        findings = [finding for finding in findings if finding != "ok"]
        findings += [f"a row of {row[0]} points nowhere" for row in connection.execute("PRAGMA foreign_key_check")]
        counts = {table: _count(connection, table) for table in _COUNTED}
    except (apsw.CorruptError, apsw.NotADBError) as error:
        return CheckReport(findings=[str(error)], counts={})
    finally:
        connection.close(True)
    return CheckReport(findings=findings, counts=counts)


def _count(connection: apsw.Connection, table: str) -> int:
    (count,) = connection.execute(f"SELECT count(*) FROM {table}").fetchall()[0]  # noqa: S608 - one of our own names
    assert isinstance(count, int)
    return count
