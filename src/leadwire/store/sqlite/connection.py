"""Connections to a ledger's file, and the settings that its promises rest on."""

import time
from pathlib import Path

import apsw

from leadwire.model.errors import StoreRefused

SQLITE_FLOOR = (3, 51, 3)  # older ones can lose committed rows when two connections write and checkpoint (WAL reset)
BUSY_TIMEOUT_MS = 5_000
_STATEMENTS_KEPT = 200

WRITER = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA secure_delete = ON",
    "PRAGMA wal_autocheckpoint = 0",  # the committer does it, after it answered
    "PRAGMA journal_size_limit = 67108864",
    "PRAGMA cache_size = -24576",
    "PRAGMA temp_store = MEMORY",
)
READER = (
    "PRAGMA query_only = ON",
    "PRAGMA cache_size = -8192",
    "PRAGMA temp_store = MEMORY",
)


def check_library(version: str | None = None) -> None:
    """Raises StoreRefused where the SQLite library is too old to be trusted with a ledger."""
    found = version or apsw.sqlite_lib_version()
    if tuple(int(part) for part in found.split(".")) < SQLITE_FLOOR:
        floor = ".".join(map(str, SQLITE_FLOOR))
        raise StoreRefused(
            f"SQLite {found} can lose committed rows (fixed in {floor}): install apsw {floor} or newer from its wheel"
        )


def _keep_plans(connection: apsw.Connection) -> None:
    """One plan per statement: SQLite with STAT4 plans anew whenever a range's bound changes, which costs ten times the query."""
    connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)


def open_writer(path: Path, vfs: str | None = None) -> apsw.Connection:
    """The connection that commits. Creates the file where there is none."""
    connection = apsw.Connection(str(path), vfs=vfs, statementcachesize=_STATEMENTS_KEPT)
    connection.set_busy_timeout(BUSY_TIMEOUT_MS)
    _keep_plans(connection)
    for setting in WRITER:
        connection.execute(setting).fetchall()
    mode = connection.pragma("journal_mode")
    if mode != "wal":
        connection.close(True)
        raise StoreRefused(f"{path} can't use a write-ahead log (its journal mode is {mode}): put it on a local disk")
    return connection


def open_reader(path: Path, vfs: str | None = None) -> apsw.Connection:
    """A connection that only reads; it may live in another process than the writer."""
    connection = apsw.Connection(
        str(path), flags=apsw.SQLITE_OPEN_READWRITE, vfs=vfs, statementcachesize=_STATEMENTS_KEPT
    )
    connection.set_busy_timeout(BUSY_TIMEOUT_MS)
    _keep_plans(connection)
    for setting in READER:
        connection.execute(setting).fetchall()
    leave_log(connection)
    return connection


def leave_log(connection: apsw.Connection) -> None:
    """Closing the connection copies nothing of the write-ahead log: that is the writer's, or after a failed sync nobody's."""
    connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)


def quick_check(connection: apsw.Connection, patience_s: float) -> str | None:
    """What SQLite finds damaged within that time; None where it finds nothing or did not come to an end."""
    give_up_at = time.monotonic() + patience_s
    connection.set_progress_handler(lambda: time.monotonic() > give_up_at, 20_000)
    try:
        found = connection.execute("PRAGMA quick_check(1)").fetchall()[0][0]
    except apsw.InterruptError:
        return None
    finally:
        connection.set_progress_handler(None)
    return None if found == "ok" else str(found)
