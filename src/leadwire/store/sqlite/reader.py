"""The reader: one thread with a reading connection, so that a slow page never holds up a commit."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import apsw

from leadwire.model.errors import StorageFailed, StoreBusy
from leadwire.store.sqlite.session import Session

T = TypeVar("T")


class Reader:
    """Runs reading work; every statement sees all that was committed before it began."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="leadwire-reader")
        self._is_closed = False

    async def read(self, work: Callable[[Session], T]) -> T:
        """Answers the work's result. Raises StorageFailed where the file can't be read or the ledger is closed."""
        if self._is_closed:
            raise StorageFailed("the ledger is closed")
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._read, work)

    def _read(self, work: Callable[[Session], T]) -> T:
        try:
            return work(self._session)
        except (apsw.BusyError, apsw.LockedError) as error:
            raise StoreBusy from error
        except apsw.Error as error:
            raise StorageFailed(f"the ledger could not be read ({type(error).__name__})") from error

    async def close(self) -> None:
        """Finishes what is under way and lets go of the connection. May be called again."""
        if self._is_closed:
            return
        self._is_closed = True
        await asyncio.to_thread(self._pool.shutdown)
        self._session.connection.close(True)
