"""Resolve: whatever waits becomes leads in one commit, and one bad part never costs the others."""

import asyncio

import pytest

from engine_parts.parts import Notes, Scripted, push, record, stored
from leadwire.engine.bell import LocalBell
from leadwire.engine.resolve import Batch, Resolve, ResolveRules
from leadwire.model.changes import Absorption, CursorMove
from leadwire.model.errors import StorageFailed, StoreBusy, StoreError
from leadwire.model.pull import Cursor
from leadwire.model.times import Instant
from leadwire.rules.identity import IdentityPolicy
from leadwire.rules.mapping import Mapping
from leadwire.rules.resolution import Incoming, SourcePolicy
from leadwire.rules.routing import Route
from leadwire.store.memory import MemoryLedger
from leadwire.store.memory.commits import Commits
from leadwire.store.memory.lead_book import MemoryLeadBook
from leadwire.testing.manual_clock import ManualClock

CLOCK = ManualClock()
NOW = CLOCK.now()
ROUTE = Route(sync="crm", destination="crm", sources=frozenset({"site"}), mapping=Mapping.compile(None, None))


class House:
    def __init__(self, ledger: MemoryLedger | None = None) -> None:
        self.ledger = ledger or MemoryLedger()
        self.bell = LocalBell()
        self.notes = Notes()
        self.source = Scripted()
        numbers = iter(range(1000))
        rules = ResolveRules(
            policies={"site": SourcePolicy(identity=IdentityPolicy(region="IN"))},
            routes=[ROUTE],
            new_id=lambda: f"lead{next(numbers):03}",
        )
        self.resolve = Resolve(
            self.ledger.events, self.ledger.leads, {"site": self.source}, rules, self.bell, self.notes
        )


async def test_events_become_leads_and_deliveries_and_the_right_bells_ring() -> None:
    house = House()
    await push(house.ledger, "record:1 +919812345678\npointer:2 page", NOW)
    step = await house.resolve.run_once(NOW)
    assert step.done == 1
    assert await stored(house.ledger, "1")
    assert await house.ledger.events.unresolved(10) == []
    for topic in ("deliveries:crm", "fetches:site", "leads"):
        assert await house.bell.wait(topic, 0.01) == "rung", topic
    assert await house.ledger.deliveries.next_due("crm") == NOW
    assert await house.ledger.fetches.next_due("site") == NOW


async def test_one_bad_part_quarantines_the_event_and_the_others_go_on() -> None:
    house = House()
    await push(house.ledger, "record:1 +919812345678\nbad\nrecord:2 +919812345679\nignored", NOW)
    await house.resolve.run_once(NOW)
    assert await stored(house.ledger, "1")
    assert await stored(house.ledger, "2")
    quarantined = await house.ledger.events.page("quarantined", None, 10)
    assert [event.reason for event in quarantined] == ["no id"]
    assert (house.notes.events[0].records, house.notes.events[0].ignored) == (2, 1)


@pytest.mark.parametrize(
    ("line", "reason"), [("poison", "not JSON"), ("boom", "the connector could not read it (KeyError)")]
)
async def test_poison_is_quarantined_with_its_reason_and_what_came_before_it_goes_on(line: str, reason: str) -> None:
    house = House()
    await push(house.ledger, f"record:1 +919812345678\n{line}", NOW)
    await push(house.ledger, "record:2 +919812345679", NOW)
    await house.resolve.run_once(NOW)
    assert await stored(house.ledger, "1")
    assert await stored(house.ledger, "2")
    assert [event.reason for event in await house.ledger.events.page("quarantined", None, 10)] == [reason]


async def test_an_event_of_a_source_that_left_the_configuration_is_kept_with_the_fix() -> None:
    house = House()
    await push(house.ledger, "record:1", NOW, source="gone")
    await house.resolve.run_once(NOW)
    event = (await house.ledger.events.page("quarantined", None, 10))[0]
    assert "add it again" in (event.reason or "")


async def test_an_id_of_a_page_that_is_not_configured_is_parked_and_visible() -> None:
    house = House()
    await push(house.ledger, "blocked:7 page9", NOW)
    await house.resolve.run_once(NOW)
    parked = await house.ledger.fetches.page("parked", None, None, 10)
    assert [(fetch.native_id, fetch.scope, fetch.reason) for fetch in parked] == [
        ("7", "page9", "page is not configured")
    ]


async def test_a_submitted_batch_returns_when_it_is_stored() -> None:
    house = House()
    incoming = Incoming(source="site", via="poll", received_at=NOW, record=record("1", None))
    move = CursorMove(source="site", stream="", cursor=Cursor(position={"at": 1}))
    waiting = asyncio.create_task(house.resolve.submit(Batch(incoming=[incoming], cursor=move)))
    await asyncio.sleep(0)
    assert not waiting.done()
    await house.resolve.run_once(NOW)
    await waiting
    assert await stored(house.ledger, "1")
    assert [cursor.cursor.position for cursor in await house.ledger.leads.cursors()] == [{"at": 1}]


async def test_two_cursors_are_never_one_commit() -> None:
    house = House()
    tasks = []
    for number in (1, 2):
        move = CursorMove(source="site", stream="", cursor=Cursor(position={"at": number}))
        incoming = Incoming(source="site", via="poll", received_at=NOW, record=record(str(number), None))
        tasks.append(asyncio.create_task(house.resolve.submit(Batch(incoming=[incoming], cursor=move))))
    await asyncio.sleep(0)
    assert (await house.resolve.run_once(NOW)).done == 1
    assert (await house.resolve.run_once(NOW)).done == 1
    await asyncio.gather(*tasks)


async def test_a_storage_failure_reaches_whoever_waits_and_the_supervisor() -> None:
    def fail(_verb: str) -> None:
        raise StorageFailed

    house = House(MemoryLedger(before_commit=fail))
    incoming = Incoming(source="site", via="poll", received_at=NOW, record=record("1", None))
    waiting = asyncio.create_task(house.resolve.submit(Batch(incoming=[incoming])))
    await asyncio.sleep(0)
    with pytest.raises(StorageFailed):
        await house.resolve.run_once(NOW)
    with pytest.raises(StorageFailed):
        await waiting


class BusyBook(MemoryLeadBook):
    """A lead book whose absorb is busy some times, as another node makes it."""

    busy_times = 2
    tries = 0

    async def absorb(self, absorption: Absorption, now: Instant) -> None:
        self.tries += 1
        if self.tries <= self.busy_times:
            raise StoreBusy
        await super().absorb(absorption, now)


async def test_a_busy_ledger_is_read_again_and_the_step_repeated() -> None:
    ledger = MemoryLedger()
    ledger.leads = book = BusyBook(ledger.state, Commits(None, None))
    house = House(ledger)
    await push(house.ledger, "record:1", NOW)
    await house.resolve.run_once(NOW)
    assert book.tries == 3
    assert await stored(house.ledger, "1")


async def test_drain_tells_who_still_waits_that_nothing_was_stored() -> None:
    house = House()
    waiting = asyncio.create_task(house.resolve.submit(Batch(incoming=[])))
    await asyncio.sleep(0)
    await house.resolve.drain()
    with pytest.raises(StoreError):
        await waiting
