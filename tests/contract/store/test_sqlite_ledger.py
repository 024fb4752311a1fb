"""The ledger in an SQLite file keeps the contract of every ledger."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from leadwire.ports.ledger import Ledger
from leadwire.store.sqlite import SqliteLedger, open_ledger
from leadwire.testing import ledger_contract
from leadwire.testing.manual_clock import START

Open = Callable[[], Awaitable[Ledger]]


class Storage:
    """One file and the ledger that is open on it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ledger: SqliteLedger | None = None

    async def open(self) -> Ledger:
        await self.close()
        self._ledger = await open_ledger(self._path, clock_now=lambda: START)
        return self._ledger

    async def close(self) -> None:
        if self._ledger is not None:
            await self._ledger.close()


@pytest.fixture
async def storage(tmp_path: Path) -> AsyncIterator[Storage]:
    storage = Storage(tmp_path / "leadwire.db")
    yield storage
    await storage.close()


@pytest.fixture
async def ledger(storage: Storage) -> Ledger:
    return await storage.open()


@pytest.fixture
def reopen(storage: Storage, ledger: Ledger) -> Open:
    return storage.open


class TestEventLog(ledger_contract.EventLogContract):
    pass


class TestLeadBook(ledger_contract.LeadBookContract):
    pass


class TestAbsorb(ledger_contract.AbsorbContract):
    pass


class TestErase(ledger_contract.EraseContract):
    pass


class TestSearch(ledger_contract.SearchContract):
    pass


class TestFetchQueue(ledger_contract.FetchQueueContract):
    pass


class TestClaim(ledger_contract.ClaimContract):
    pass


class TestSettle(ledger_contract.SettleContract):
    pass


class TestDeliveryBook(ledger_contract.DeliveryBookContract):
    pass


class TestPauseBook(ledger_contract.PauseBookContract):
    pass


class TestUserBook(ledger_contract.UserBookContract):
    pass


class TestTokenBook(ledger_contract.TokenBookContract):
    pass


class TestDesk(ledger_contract.DeskContract):
    pass


class TestWholeLife(ledger_contract.WholeLifeContract):
    pass
