"""Intake: who waits together is stored together, and nobody is told "stored" before the commit."""

import asyncio
from collections.abc import Sequence

import pytest

from leadwire.engine.bell import LocalBell
from leadwire.engine.intake import Intake
from leadwire.model.errors import StorageFailed, StorageFull, StoreBusy
from leadwire.model.event import NewEvent, RawRequest, StoredEvent
from leadwire.model.times import Instant
from leadwire.ports.event_log import SourceTally
from leadwire.testing.manual_clock import START, ManualClock


class GatedLog:
    """An event log whose commits wait for a gate; remembers every commit."""

    def __init__(self) -> None:
        self.commits: list[list[NewEvent]] = []
        self.raises: Exception | None = None
        self.gate = asyncio.Event()
        self.entered = asyncio.Event()
        self.gate.set()
        self._keys: set[bytes] = set()

    async def append(self, events: Sequence[NewEvent], now: Instant) -> Sequence[int | None]:
        self.entered.set()
        await self.gate.wait()
        if self.raises is not None:
            raise self.raises
        self.commits.append(list(events))
        answers: list[int | None] = []
        for event in events:
            answers.append(None if event.dedup_key in self._keys else len(self._keys) + 1)
            self._keys.add(event.dedup_key)
        return answers

    async def unresolved(self, limit: int) -> Sequence[StoredEvent]:
        return []

    async def find(self, sequence: int) -> StoredEvent | None:
        return None

    async def page(self, state: str | None, after: int | None, limit: int) -> Sequence[StoredEvent]:
        return []

    async def requeue(self, sequences: Sequence[int], now: Instant) -> int:
        return 0

    async def tally(self) -> Sequence[SourceTally]:
        return []

    async def prune(self, before: Instant, limit: int) -> int:
        return 0


class Desk:
    """An intake with its log and bell."""

    def __init__(self, **settings: int) -> None:
        self.log = GatedLog()
        self.bell = LocalBell()
        self.rings: list[str] = []
        self.bell.subscribe("events", lambda _: self.rings.append("events"))
        self.bell.subscribe("intake", lambda _: self.rings.append("intake"))
        self.intake = Intake(self.log, ManualClock(), self.bell, **settings)

    async def bring(self, *numbers: int) -> list[asyncio.Future[str]]:
        """Starts an accept per number and returns once all of them wait."""
        tasks: list[asyncio.Future[str]] = [
            asyncio.ensure_future(self.intake.accept(event(number))) for number in numbers
        ]
        await asyncio.sleep(0)
        return tasks


def event(number: int) -> NewEvent:
    request = RawRequest(
        method="POST", path="/webhooks/x", query=b"", headers=(), body=b"%d" % number, received_at=START
    )
    return NewEvent(source="x", dedup_key=b"%016d" % number, request=request)


@pytest.fixture
async def desk() -> Desk:
    return Desk()


async def test_nobody_is_told_stored_before_the_commit_has_returned(desk: Desk) -> None:
    desk.log.gate.clear()
    (told,) = await desk.bring(1)
    step = asyncio.ensure_future(desk.intake.run_once(START))
    await desk.log.entered.wait()
    await asyncio.sleep(0)
    assert not told.done()
    desk.log.gate.set()
    assert (await told, (await step).done) == ("stored", 1)


async def test_all_that_wait_share_one_commit(desk: Desk) -> None:
    tasks = await desk.bring(*range(100))
    assert (await desk.intake.run_once(START)).done == 100
    assert await asyncio.gather(*tasks) == ["stored"] * 100
    assert (len(desk.log.commits), desk.intake.commits) == (1, 1)


async def test_those_who_come_during_a_commit_share_the_next(desk: Desk) -> None:
    desk.log.gate.clear()
    first = await desk.bring(1)
    step = asyncio.ensure_future(desk.intake.run_once(START))
    await desk.log.entered.wait()
    later = await desk.bring(2, 3)
    desk.log.gate.set()
    await step
    assert (first[0].done(), later[0].done(), desk.intake.waiting) == (True, False, 2)
    await desk.intake.run_once(START)
    assert [len(commit) for commit in desk.log.commits] == [1, 2]
    assert await asyncio.gather(*later) == ["stored", "stored"]


async def test_a_commit_takes_no_more_than_its_maximum() -> None:
    desk = Desk(batch_max=3)
    tasks = await desk.bring(*range(7))
    while (await desk.intake.run_once(START)).done:
        pass
    assert [len(commit) for commit in desk.log.commits] == [3, 3, 1]
    assert await asyncio.gather(*tasks) == ["stored"] * 7


async def test_a_known_key_is_a_duplicate_and_rings_nobody(desk: Desk) -> None:
    await desk.bring(1)
    await desk.intake.run_once(START)
    assert desk.rings == ["intake", "events"]
    (again,) = await desk.bring(1)
    await desk.intake.run_once(START)
    assert (await again, desk.rings) == ("duplicate", ["intake", "events", "intake"])
    assert (desk.intake.stored, desk.intake.duplicates) == (1, 1)


async def test_with_nothing_to_do_nothing_is_committed(desk: Desk) -> None:
    assert (await desk.intake.run_once(START)).done == 0
    assert desk.log.commits == []


@pytest.mark.parametrize("error", [StorageFull("the disk is full"), StoreBusy()])
async def test_a_full_or_busy_ledger_turns_away_who_waits_and_heals_by_itself(error: Exception, desk: Desk) -> None:
    desk.log.raises = error
    tasks = await desk.bring(1, 2)
    assert (await desk.intake.run_once(START)).done == 2
    assert [type(result) for result in await asyncio.gather(*tasks, return_exceptions=True)] == [StorageFull] * 2
    desk.log.raises = None
    (healed,) = await desk.bring(1)
    await desk.intake.run_once(START)
    assert await healed == "stored"


async def test_failed_storage_turns_away_everybody_and_stops_the_service(desk: Desk) -> None:
    desk = Desk(batch_max=1)
    desk.log.raises = StorageFailed("fsync failed")
    tasks = await desk.bring(1, 2)
    with pytest.raises(StorageFailed):
        await desk.intake.run_once(START)
    assert [type(result) for result in await asyncio.gather(*tasks, return_exceptions=True)] == [StorageFailed] * 2
    with pytest.raises(StorageFailed):
        await desk.intake.accept(event(3))


async def test_a_crash_inside_the_commit_leaves_nobody_waiting(desk: Desk) -> None:
    desk.log.raises = ZeroDivisionError()
    (told,) = await desk.bring(1)
    with pytest.raises(ZeroDivisionError):
        await desk.intake.run_once(START)
    with pytest.raises(StorageFailed):
        await told


async def test_a_caller_that_goes_away_changes_nothing_for_the_others(desk: Desk) -> None:
    gone, stays = await desk.bring(1, 2)
    gone.cancel()
    await desk.intake.run_once(START)
    assert await stays == "stored"
    assert len(desk.log.commits[0]) == 2


async def test_a_queue_that_is_full_turns_the_next_one_away_at_once() -> None:
    desk = Desk(waiting_max=2)
    await desk.bring(1, 2)
    with pytest.raises(StorageFull, match="too many"):
        await desk.intake.accept(event(3))
    await desk.intake.run_once(START)


async def test_draining_stores_what_waits_and_then_takes_no_more(desk: Desk) -> None:
    tasks = await desk.bring(1, 2)
    await desk.intake.drain()
    assert await asyncio.gather(*tasks) == ["stored", "stored"]
    with pytest.raises(StorageFull, match="stopping"):
        await desk.intake.accept(event(3))
