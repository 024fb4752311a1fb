"""Opens every store that is held to the ledger contract."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from leadwire.ports.ledger import Ledger
from leadwire.store.memory import MemoryLedger, MemoryState
from leadwire.store.sqlite import open_ledger
from leadwire.testing.manual_clock import START

Open = Callable[[], Awaitable[Ledger]]


class Storage:
    """One storage and the ledger that is open on it."""

    def __init__(self, open_ledger: Open) -> None:
        self._open_ledger = open_ledger
        self._ledger: Ledger | None = None

    async def open(self) -> Ledger:
        """Closes the open ledger, if any, and opens another one on the same storage."""
        await self.close()
        self._ledger = await self._open_ledger()
        return self._ledger

    async def close(self) -> None:
        if self._ledger is not None:
            await self._ledger.close()


def _memory(_: Path) -> Open:
    state = MemoryState()

    async def open_it() -> Ledger:
        return MemoryLedger(state)

    return open_it


def _sqlite(folder: Path) -> Open:
    async def open_it() -> Ledger:
        return await open_ledger(folder / "leadwire.db", clock_now=lambda: START)

    return open_it


STORES: dict[str, Callable[[Path], Open]] = {"memory": _memory, "sqlite": _sqlite}


@pytest.fixture(params=[name for name in STORES if name != "memory"])
def other_store(request: pytest.FixtureRequest) -> Callable[[Path], Open]:
    """Opens a store that is to behave as the memory twin does."""
    opener: Callable[[Path], Open] = STORES[request.param]
    return opener


@pytest.fixture(params=list(STORES))
async def storage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Storage]:
    storage = Storage(STORES[request.param](tmp_path))
    yield storage
    await storage.close()


@pytest.fixture
async def ledger(storage: Storage) -> Ledger:
    return await storage.open()


@pytest.fixture
def reopen(storage: Storage, ledger: Ledger) -> Open:
    return storage.open
