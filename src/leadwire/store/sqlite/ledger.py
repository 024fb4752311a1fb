"""A ledger in one SQLite file: all ports over one committing and one reading connection."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import msgspec

from leadwire.model.errors import StoreError
from leadwire.model.times import Instant
from leadwire.ports.ledger import StoreHealth
from leadwire.store.sqlite.committer import Committer
from leadwire.store.sqlite.connection import open_reader
from leadwire.store.sqlite.delivery_book import SqliteDeliveryBook
from leadwire.store.sqlite.delivery_queue import SqliteDeliveryQueue
from leadwire.store.sqlite.desk import SqliteDesk
from leadwire.store.sqlite.disk import FreeSpace, file_bytes, low_water_bytes
from leadwire.store.sqlite.event_log import SqliteEventLog
from leadwire.store.sqlite.fetch_queue import SqliteFetchQueue
from leadwire.store.sqlite.lead_book import SqliteLeadBook
from leadwire.store.sqlite.lock import Lock
from leadwire.store.sqlite.opening import Surroundings, open_for_reading, open_for_writing, refuse_bad_place
from leadwire.store.sqlite.pause_book import SqlitePauseBook
from leadwire.store.sqlite.reader import Reader
from leadwire.store.sqlite.session import Session
from leadwire.store.sqlite.statements import load_statements
from leadwire.store.sqlite.token_book import SqliteTokenBook
from leadwire.store.sqlite.user_book import SqliteUserBook


class _Parts(msgspec.Struct, frozen=True, kw_only=True):
    """What an opened file hands to its ledger."""

    path: Path
    lock: Lock | None
    writer: Session
    reader: Session
    free_space: FreeSpace
    last_event: int
    last_record: int
    lanes: set[str]


class SqliteLedger:
    """A `Ledger` on one file. It belongs to this process until it is closed; made by `open_ledger`."""

    def __init__(self, parts: _Parts) -> None:
        self._log = Path(f"{parts.path}-wal")
        self._lock = parts.lock
        self._free_space = parts.free_space
        self._committer = Committer(parts.writer, parts.free_space, is_read_only=parts.lock is None)
        self._reader = Reader(parts.reader)
        self.events = SqliteEventLog(self._committer, self._reader, parts.last_event)
        self.leads = SqliteLeadBook(self._committer, self._reader, parts.last_record, parts.lanes)
        self.fetches = SqliteFetchQueue(self._committer, self._reader)
        self.deliveries = SqliteDeliveryQueue(self._committer)
        self.delivery_book = SqliteDeliveryBook(self._committer, self._reader)
        self.pauses = SqlitePauseBook(self._committer, self._reader)
        self.users = SqliteUserBook(self._committer, self._reader)
        self.tokens = SqliteTokenBook(self._committer, self._reader)
        self.desk = SqliteDesk(self._committer, self._reader)

    @property
    def owner_is_alone(self) -> bool:
        """True for the owner of the file: its lock says that every other owner is gone."""
        return self._lock is not None

    async def health(self, now: Instant) -> StoreHealth:
        """How the storage stands, after one durable write. A disk below its low-water mark is not writable. Never raises."""
        reason = self._free_space.shortage()
        try:
            await self._committer.write_one(lambda session: session.change("ledger.beat", {"now": now}))
        except StoreError as error:
            reason = str(error)
        return StoreHealth(
            writable=reason is None,
            reason=reason,
            disk_free_bytes=self._free_space.free(),
            wal_bytes=file_bytes(self._log),
            commits=self._committer.commits,
            commit_seconds_total=self._committer.commit_seconds_total,
        )

    def announce(self, url: str, key: str) -> None:
        """Tells programs of the same user (and nobody else) how to reach this process; see `read_announcement`."""
        if self._lock is not None:
            self._lock.announce(url, key)

    async def close(self) -> None:
        """Finishes what is queued and lets go of the file. May be called again."""
        await self._reader.close()
        await self._committer.close()
        if self._lock is not None:
            self._lock.release()


async def open_ledger(
    path: Path,
    *,
    clock_now: Callable[[], Instant],
    read_only: bool = False,
    low_water: int | None = None,
    around: Surroundings | None = None,
) -> SqliteLedger:
    """Opens the ledger in this file, or makes it; brings its schema forward, after a backup.

    `low_water`: bytes of the disk that are kept free (None: 256 MiB, or 2 % of a small disk); below it appends raise
    StorageFull. `read_only` takes no lock: it may stand beside a running server, and every change raises StoreError.

    Raises StoreRefused, saying why and what to do: the file is in use, damaged, of a newer leadwire, or no ledger; its file
    system is a network's; the SQLite library is too old.
    """
    around = around or Surroundings()
    parts = await asyncio.to_thread(_open, path, clock_now(), low_water, around, read_only=read_only)
    return SqliteLedger(parts)


def _open(path: Path, now: Instant, low_water: int | None, around: Surroundings, *, read_only: bool) -> _Parts:
    path = path.absolute()
    refuse_bad_place(path)
    if read_only:
        return _parts(path, None, low_water, around, now)
    lock = Lock(path)
    try:
        return _parts(path, lock, low_water, around, now)
    except BaseException:
        lock.release()
        raise


def _parts(path: Path, lock: Lock | None, low_water: int | None, around: Surroundings, now: Instant) -> _Parts:
    statements = load_statements()
    connection = open_for_reading(path, around) if lock is None else open_for_writing(path, now, around)
    writer = Session(connection, statements)
    reader = Session(open_reader(path, around.vfs), statements)
    limit = low_water_bytes(path.parent) if low_water is None else low_water
    return _Parts(
        path=path,
        lock=lock,
        writer=writer,
        reader=reader,
        free_space=FreeSpace(lambda: around.free_bytes(path.parent), limit, around.monotonic_s),
        last_event=writer.number("event_log.last_sequence") or 0,
        last_record=writer.number("lead_book.last_record") or 0,
        lanes=set(msgspec.json.decode(writer.json("lead_book.lanes"), type=list[str])),
    )
