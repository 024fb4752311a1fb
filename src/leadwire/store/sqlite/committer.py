"""The committer: one thread that owns the only writing connection and commits whatever waits as one group.

A call's future is resolved after the COMMIT that holds its work returned, so what a caller was told is on the disk. Cancelling the
caller never reaches the thread. The first storage error ends it for good: nothing is retried, least of all an fsync.
"""

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

import apsw
import msgspec

from leadwire.model.errors import LeadwireError, StorageFailed, StorageFull, StoreBusy, StoreError
from leadwire.store.sqlite.connection import leave_log
from leadwire.store.sqlite.disk import FreeSpace
from leadwire.store.sqlite.session import Session

T = TypeVar("T")
GROUP_MAX = 256
CHECKPOINT_PAGES = 2_000

_FULL = (apsw.FullError,)
_BUSY = (apsw.BusyError, apsw.LockedError)
_BROKEN = (
    apsw.IOError,
    apsw.CorruptError,
    apsw.NotADBError,
    apsw.CantOpenError,
    apsw.ReadOnlyError,
    apsw.NoMemError,
    apsw.ProtocolError,
    apsw.InternalError,
    apsw.PermissionsError,
    apsw.AuthError,
)


class Job(Generic[T]):
    """One verb's work and the future of its caller.

    `is_single`: the work is one statement (or reads only), so that alone in its group it needs no BEGIN and COMMIT around it.
    `takes_room`: refused while the disk is nearly full. `leaves_nothing`: after its commit the write-ahead log is emptied.
    """

    __slots__ = ("error", "future", "is_single", "leaves_nothing", "result", "takes_room", "work")

    def __init__(
        self, work: Callable[[Session], T], *, is_single: bool, takes_room: bool = False, leaves_nothing: bool = False
    ) -> None:
        self.work = work
        self.is_single = is_single
        self.takes_room = takes_room
        self.leaves_nothing = leaves_nothing
        self.future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self.result: T | None = None
        self.error: LeadwireError | None = None


class _GroupFailed(Exception):
    """Carries what every job of the group is told."""

    def __init__(self, error: StoreError) -> None:
        super().__init__()
        self.error = error


class Committer:
    """Runs jobs on the writing connection, all that wait (up to 256) in one transaction."""

    def __init__(self, session: Session, free_space: FreeSpace, *, is_read_only: bool = False) -> None:
        self._session = session
        self._free_space = free_space
        self._begin = "BEGIN" if is_read_only else "BEGIN IMMEDIATE"
        self._jobs: queue.SimpleQueue[Job[Any] | None] = queue.SimpleQueue()
        self._admission = threading.Lock()
        self._end: str | None = None
        self._is_failed = False
        self._must_truncate = False
        self._checkpointed_at = 0
        self.commits = 0
        self.commit_seconds_total = 0.0
        self._thread = threading.Thread(target=self._run, name="leadwire-committer", daemon=True)
        self._thread.start()

    @property
    def end(self) -> str | None:
        """Why no further job is taken; None while they are."""
        return self._end

    async def run(self, job: Job[T]) -> T:
        """Does the work in a durable commit and answers its result.

        Raises what the work raised (its changes are undone), StorageFull, StoreBusy, or StorageFailed (for good).
        """
        with self._admission:  # a job is queued before the closing mark or not at all
            if self._end is not None:
                raise StorageFailed(self._end)
            self._jobs.put(job)
        return await job.future

    async def read(self, work: Callable[[Session], T]) -> T:
        """Runs a single reading statement after all that was queued before it."""
        return await self.run(Job(work, is_single=True))

    async def write(self, work: Callable[[Session], T]) -> T:
        """Runs work of several statements in one commit."""
        return await self.run(Job(work, is_single=False))

    async def write_one(self, work: Callable[[Session], T]) -> T:
        """Runs work of exactly one changing statement in one commit."""
        return await self.run(Job(work, is_single=True))

    async def close(self) -> None:
        """Finishes what is queued and lets go of the connection. May be called again."""
        with self._admission:
            if self._end is None:
                self._end = "the ledger is closed"
            self._jobs.put(None)
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        try:
            while not self._is_failed and (group := self._take()):
                self._handle(group)
        finally:
            self._refuse_rest()
            if self._is_failed:
                leave_log(self._session.connection)
            self._session.connection.close(True)

    def _take(self) -> list[Job[Any]]:
        """All jobs that wait; none once the ledger is closed or failed."""
        job = self._jobs.get()
        group: list[Job[Any]] = []
        while job is not None:
            group.append(job)
            if len(group) >= GROUP_MAX:
                return group
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return group
        self._jobs.put(None)
        return group

    def _handle(self, group: list[Job[Any]]) -> None:
        connection = self._session.connection
        changes = connection.total_changes()
        started = time.perf_counter()
        try:
            self._commit(group)
        except _GroupFailed as failed:
            for job in group:
                job.error = failed.error
        else:
            if connection.total_changes() != changes:
                self.commits += 1
                self.commit_seconds_total += time.perf_counter() - started
            self._truncate(group)
        _resolve(group)
        self._checkpoint()

    def _commit(self, group: Sequence[Job[Any]]) -> None:
        try:
            if len(group) == 1 and group[0].is_single:
                self._work(group[0])
                return
            self._execute(self._begin)
            for job in group:
                self._work_within(job, is_alone=len(group) == 1)
            if self._session.connection.in_transaction:
                self._execute("COMMIT")
        except _GroupFailed:
            self._roll_back()
            raise

    def _work_within(self, job: Job[Any], *, is_alone: bool) -> None:
        if is_alone:
            self._work(job)
            if job.error is not None:
                self._execute("ROLLBACK")
            return
        self._execute("SAVEPOINT job")
        self._work(job)
        if job.error is not None:
            self._execute("ROLLBACK TO job")
        self._execute("RELEASE job")

    def _work(self, job: Job[Any]) -> None:
        """Does the job's work. Its own error stays with it; a storage error fails the group."""
        if job.takes_room and (shortage := self._free_space.shortage()):
            job.error = StorageFull(shortage)
            return
        try:
            job.result = job.work(self._session)
        except apsw.Error as error:
            job.error = self._judge(error)
        except LeadwireError as error:
            job.error = error
        except (msgspec.MsgspecError, OverflowError) as error:
            job.error = StoreError(f"the ledger could not store this ({type(error).__name__})")

    def _execute(self, sql: str) -> None:
        try:
            self._session.connection.execute(sql)
        except apsw.Error as error:
            raise _GroupFailed(self._judge(error)) from error

    def _judge(self, error: apsw.Error) -> StoreError:
        """What an SQLite error means: one for its job alone is answered, one for the whole group is raised."""
        name = apsw.mapping_extended_result_codes.get(getattr(error, "extendedresult", 0)) or type(error).__name__
        if isinstance(error, _FULL):
            raise _GroupFailed(StorageFull("the disk is full; nothing was stored")) from error
        if isinstance(error, apsw.ReadOnlyError) and self._begin == "BEGIN":
            return StoreError("this ledger is open for reading only")
        if isinstance(error, _BUSY):
            raise _GroupFailed(StoreBusy("another process writes to the ledger")) from error
        if isinstance(error, _BROKEN):
            self._fail(f"the storage reported {name}")
            raise _GroupFailed(StorageFailed(f"the storage reported {name}")) from error
        return StoreError(f"the ledger could not store this ({name})")

    def _fail(self, reason: str) -> None:
        with self._admission:
            self._is_failed = True
            self._end = reason

    def _roll_back(self) -> None:
        connection = self._session.connection
        try:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        except apsw.Error as error:
            self._fail(f"a transaction could not be undone ({type(error).__name__})")

    def _truncate(self, group: Sequence[Job[Any]]) -> None:
        """Empties the write-ahead log once erased bytes stand in it; tried again after the next commit where a reader holds it."""
        self._must_truncate |= any(job.leaves_nothing and job.error is None for job in group)
        if not self._must_truncate:
            return
        try:
            self._session.connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
            self._must_truncate = False
        except (*_BUSY, *_FULL):
            return
        except apsw.Error as error:
            self._fail(f"a checkpoint failed ({type(error).__name__})")

    def _checkpoint(self) -> None:
        """Copies the write-ahead log into the file now and then, after the group was answered: no caller waits for it."""
        connection = self._session.connection
        written = connection.status(apsw.SQLITE_DBSTATUS_CACHE_WRITE)[0]
        if written - self._checkpointed_at < CHECKPOINT_PAGES or self._is_failed:
            return
        self._checkpointed_at = written
        try:
            connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
        except (*_BUSY, *_FULL):
            return
        except apsw.Error as error:
            self._fail(f"a checkpoint failed ({type(error).__name__})")

    def _refuse_rest(self) -> None:
        with self._admission:
            if self._end is None:
                self._end = "the committer stopped"
        rest: list[Job[Any]] = []
        while not self._jobs.empty():
            if (job := self._jobs.get_nowait()) is not None:
                job.error = StorageFailed(self._end)
                rest.append(job)
        _resolve(rest)


def _resolve(group: Sequence[Job[Any]]) -> None:
    """Hands the results over with one call per event loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[Job[Any]]] = {}
    for job in group:
        by_loop.setdefault(job.future.get_loop(), []).append(job)
    for loop, jobs in by_loop.items():
        try:
            loop.call_soon_threadsafe(_answer, jobs)
        except RuntimeError:  # the loop is closed: nobody waits any more
            continue


def _answer(jobs: Sequence[Job[Any]]) -> None:
    for job in jobs:
        if job.future.done():
            continue
        if job.error is None:
            job.future.set_result(job.result)
        else:
            job.future.set_exception(job.error)
