"""Opening a ledger's file: everything that must hold before the first lead is taken in."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import apsw
import msgspec

from leadwire.model.errors import StoreRefused
from leadwire.model.times import Instant
from leadwire.store.sqlite.connection import check_library, open_reader, open_writer, quick_check
from leadwire.store.sqlite.copying import copy_ledger, sync_folder
from leadwire.store.sqlite.disk import free_bytes
from leadwire.store.sqlite.filesystem import network_file_system
from leadwire.store.sqlite.migrations import Migration, apply, load_migrations, outstanding

CHECK_S = 0.25


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What a ledger stands on; tests put their own in. `vfs` names an SQLite VFS, `migrations` None means the shipped ones."""

    vfs: str | None = None
    migrations: Sequence[Migration] | None = None
    free_bytes: Callable[[Path], int] = free_bytes
    monotonic_s: Callable[[], float] = time.monotonic


def open_for_writing(path: Path, now: Instant, around: Surroundings) -> apsw.Connection:
    """A checked ledger at the newest schema, made where there was none. The caller holds its lock and has asked `refuse_bad_place`.

    An existing ledger that must move forward is copied to `<ledger>.before-NNNN` first. Raises StoreRefused, with what to do.
    """
    steps = load_migrations() if around.migrations is None else around.migrations
    if not path.exists():
        with _told(path, "made"):
            _create(path, steps, now, around)
    connection = _open_existing(path, lambda: open_writer(path, around.vfs))
    try:
        missing = outstanding(connection, steps, path, is_new=False)
        if missing:
            with _told(path, "moved forward"):
                copy_ledger(connection, path.with_name(f"{path.name}.before-{missing[0].number:04d}"), replace=True)
                apply(connection, missing, now)
    except BaseException:
        connection.close(True)
        raise
    return connection


@contextmanager
def _told(path: Path, what: str) -> Iterator[None]:
    try:
        yield
    except (apsw.Error, OSError) as error:
        raise StoreRefused(
            f"{path} can't be {what} ({error}): what was there is unchanged; check the disk and the folder's mode"
        ) from error


def open_for_reading(path: Path, around: Surroundings) -> apsw.Connection:
    """A reading connection to an existing ledger at the newest schema; any number of processes may have one."""
    if not path.exists():
        raise StoreRefused(f"there is no ledger at {path}")
    steps = load_migrations() if around.migrations is None else around.migrations
    connection = _open_existing(path, lambda: open_reader(path, around.vfs))
    missing = outstanding(connection, steps, path, is_new=False)
    if missing:
        connection.close(True)
        raise StoreRefused(f"{path} was made by an older leadwire: run `leadwire db migrate` first")
    return connection


def refuse_bad_place(path: Path) -> None:
    """Raises StoreRefused for a library, a folder or a file system that can't keep a ledger's promises."""
    check_library()
    if not path.parent.is_dir():
        raise StoreRefused(f"the folder {path.parent} does not exist: make it, or change [store] url")
    if network := network_file_system(path):
        raise StoreRefused(
            f"{path} is on a network file system ({network}), where SQLite's locks don't hold: "
            f"put the ledger on a local disk, or use PostgreSQL"
        )


def damaged(path: Path, what: str) -> StoreRefused:
    """The refusal of a damaged file, with the way back."""
    return StoreRefused(
        f"{path} is damaged ({what}). Put a backup in its place: "
        f"mv {path} {path}.damaged; rm -f {path}-wal {path}-shm; cp BACKUP {path}; leadwire db check"
    )


def _create(path: Path, steps: Sequence[Migration], now: Instant, around: Surroundings) -> None:
    """Makes the ledger under another name first, so that a file under its own name is never half of one."""
    unfinished = path.with_name(f"{path.name}.new")
    for leftover in (unfinished, Path(f"{unfinished}-wal"), Path(f"{unfinished}-shm")):
        leftover.unlink(missing_ok=True)
    unfinished.touch(mode=0o600)  # nobody has it open yet: this drops nobody's locks
    connection = open_writer(unfinished, around.vfs)
    try:
        apply(connection, outstanding(connection, steps, path, is_new=True), now)
    finally:
        connection.close(True)
    unfinished.rename(path)
    sync_folder(path.parent)


def _open_existing(path: Path, connect: Callable[[], apsw.Connection]) -> apsw.Connection:
    if path.stat().st_size == 0:
        raise damaged(path, "it is empty")
    connection: apsw.Connection | None = None
    try:
        connection = connect()
        found = quick_check(connection, CHECK_S)
    except (apsw.CorruptError, apsw.NotADBError) as error:
        if connection is not None:
            connection.close(True)
        raise damaged(path, str(error)) from error
    except apsw.Error as error:
        if connection is not None:
            connection.close(True)
        raise StoreRefused(f"{path} can't be opened ({error}): check its owner and mode, and the disk") from error
    if found is not None:
        connection.close(True)
        raise damaged(path, found)
    return connection
