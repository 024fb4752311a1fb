"""The committer: groups, failures that stay with their caller, cancellation that reaches nobody else."""

import asyncio
import threading
from typing import Any

import pytest

from leadwire.model.errors import StorageFailed, StoreBusy, StoreError
from leadwire.store.sqlite.committer import GROUP_MAX
from leadwire.testing.ledger_contract.samples import START, an_event, lead_absorption


async def _held(ledger: Any) -> tuple[threading.Event, asyncio.Task[Any]]:
    """Keeps the committer busy until the event is set, so that what comes next waits as one group."""
    go, begun = threading.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def wait(_: Any) -> None:
        loop.call_soon_threadsafe(begun.set)
        go.wait(10)

    task = asyncio.create_task(ledger._committer.read(wait))
    await begun.wait()
    return go, task


async def test_all_that_wait_share_one_commit(ledger: Any) -> None:
    go, held = await _held(ledger)
    calls = [asyncio.create_task(ledger.events.append([an_event(key)], START)) for key in range(50)]
    await asyncio.sleep(0)
    before = ledger._committer.commits
    go.set()
    assert [await call for call in calls] == [[key + 1] for key in range(50)]
    await held
    assert ledger._committer.commits == before + 1


async def test_a_group_is_bounded(ledger: Any) -> None:
    go, held = await _held(ledger)
    calls = [asyncio.create_task(ledger.events.append([an_event(key)], START)) for key in range(GROUP_MAX + 1)]
    await asyncio.sleep(0)
    before = ledger._committer.commits
    go.set()
    await asyncio.gather(held, *calls)
    assert ledger._committer.commits == before + 2


async def test_one_that_fails_in_a_group_undoes_only_itself(ledger: Any) -> None:
    await ledger.leads.absorb(lead_absorption("a"), START)
    go, held = await _held(ledger)
    calls = [
        asyncio.create_task(ledger.events.append([an_event(1)], START)),
        asyncio.create_task(ledger.leads.absorb(lead_absorption("a", 3), START)),  # its lead fails, after its record
        asyncio.create_task(ledger.leads.absorb(lead_absorption("b"), START)),
    ]
    await asyncio.sleep(0)
    go.set()
    answers = await asyncio.gather(held, *calls, return_exceptions=True)
    assert answers[1] == [1]
    assert isinstance(answers[2], StoreBusy)
    assert answers[3] is None
    assert len(await ledger.events.page(None, None, 10)) == 1
    assert await ledger.leads.lead("b") is not None
    assert len(await ledger.leads.records("a")) == 1


async def test_one_that_fails_alone_leaves_nothing_behind(ledger: Any) -> None:
    await ledger.leads.absorb(lead_absorption("a"), START)
    with pytest.raises(StoreBusy):
        await ledger.leads.absorb(lead_absorption("a", 3), START)
    assert len(await ledger.leads.records("a")) == 1
    await ledger.leads.absorb(lead_absorption("b"), START)


async def test_a_cancelled_caller_stops_nothing(ledger: Any) -> None:
    go, held = await _held(ledger)
    gone = asyncio.create_task(ledger.events.append([an_event(1)], START))
    stays = asyncio.create_task(ledger.events.append([an_event(2)], START))
    await asyncio.sleep(0)
    gone.cancel()
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await gone
    assert await stays == [2]
    await held
    assert [event.sequence for event in await ledger.events.page(None, None, 10)] == [2, 1]


async def test_closing_finishes_what_is_queued_and_refuses_the_rest(ledger: Any) -> None:
    go, held = await _held(ledger)
    call = asyncio.create_task(ledger.events.append([an_event(1)], START))
    await asyncio.sleep(0)
    closing = asyncio.create_task(ledger._committer.close())
    await asyncio.sleep(0)
    go.set()
    assert await call == [1]
    await asyncio.gather(held, closing)
    with pytest.raises(StorageFailed, match="closed"):
        await ledger.events.append([an_event(2)], START)
    await ledger.close()
    with pytest.raises(StorageFailed, match="closed"):
        await ledger.events.find(1)
    await ledger.close()


async def test_a_statement_that_is_wrong_is_told_without_data_and_ends_nothing(ledger: Any) -> None:
    def wrong(session: Any) -> None:
        session.connection.execute("INSERT INTO users (name) VALUES ('asha rao')")

    with pytest.raises(StoreError) as told:
        await ledger._committer.write(wrong)
    assert "asha" not in str(told.value)
    assert await ledger.events.append([an_event(1)], START) == [1]


async def test_a_number_that_no_store_can_hold_fails_its_own_call_only(ledger: Any) -> None:
    with pytest.raises(StoreError):
        await ledger.desk.claim("a", "asha", 2**63)
    assert await ledger.events.append([an_event(1)], START) == [1]


async def test_the_log_is_copied_into_the_file_now_and_then(ledger: Any) -> None:
    for key in range(60):
        await ledger.events.append([an_event(key, body=bytes(300_000))], START)
    health = await ledger.health(START)
    assert health.wal_bytes is not None
    assert health.wal_bytes < 16_000_000
