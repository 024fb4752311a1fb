"""Resting: which step calls for the next one at once, which one waits for a ring, and what fills a lane's free slot meanwhile."""

import asyncio
from collections.abc import Sequence

import msgspec
import pytest

from engine_parts.parts import Notes, Scripted, push
from leadwire.engine.bell import LocalBell
from leadwire.engine.dispatch import Lane, LanePolicy, LaneTools
from leadwire.engine.hydrate import BATCH_MAX, BATCHES_AT_ONCE, Hydrate, HydrateTools
from leadwire.engine.pauses import Pauses, lane_subject
from leadwire.engine.resolve import EVENTS_MAX, Batch, Resolve, ResolveRules
from leadwire.engine.step import Step
from leadwire.engine.supervisor import Supervisor
from leadwire.model.changes import Absorption, CursorMove, LeadChange
from leadwire.model.delivery import OwedDelivery
from leadwire.model.lead import Lead
from leadwire.model.pull import Cursor, Pause
from leadwire.model.times import Instant
from leadwire.rules.resolution import SourcePolicy
from leadwire.sdk import Delivered, Delivery, Receipt, SourceUnavailable
from leadwire.store.memory import MemoryLedger
from leadwire.testing.manual_clock import ManualClock


class FixedChance:
    def random(self) -> float:
        return 0.5

    def getrandbits(self, k: int, /) -> int:
        return k


class Gated:
    """A destination whose answers come when the test lets them."""

    batch_max = 1

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answers: dict[str, asyncio.Event] = {}

    async def deliver(self, batch: Sequence[Delivery]) -> Sequence[Receipt]:
        for delivery in batch:
            self.asked.append(delivery.key)
            self.answers[delivery.key] = asyncio.Event()
            await self.answers[delivery.key].wait()
        return [Delivered(status=200) for _ in batch]


class House:
    def __init__(self, concurrency: int = 1) -> None:
        self.ledger = MemoryLedger()
        self.clock = ManualClock()
        self.notes = Notes()
        self.bell = LocalBell()
        self.pauses = Pauses(self.ledger.pauses, self.notes)
        self.destination = Gated()
        self.source = Scripted()
        numbers = iter(range(10_000))
        rules = ResolveRules(policies={"site": SourcePolicy()}, routes=[], new_id=lambda: f"lead{next(numbers):05}")
        self.resolve = Resolve(
            self.ledger.events, self.ledger.leads, {"site": self.source}, rules, self.bell, self.notes
        )
        tools = LaneTools(
            queue=self.ledger.deliveries,
            pauses=self.pauses,
            bell=self.bell,
            clock=self.clock,
            chance=FixedChance(),
            observer=self.notes,
            owner="test",
        )
        policy = LanePolicy(destination="crm", mappings={}, concurrency=concurrency)
        self.lane = Lane(self.destination, policy, tools)
        self.hydrate = Hydrate("site", self.source, self._hydrate_tools())

    def _hydrate_tools(self) -> HydrateTools:
        return HydrateTools(
            queue=self.ledger.fetches,
            resolve=self.resolve,
            pauses=self.pauses,
            bell=self.bell,
            clock=self.clock,
            chance=FixedChance(),
            observer=self.notes,
            owner="test",
        )

    async def owe(self, *lead_ids: str) -> None:
        now = self.clock.now()
        for lead_id in lead_ids:
            document = b'{"id":"%s","version":1}' % lead_id.encode()
            lead = Lead(id=lead_id, version=1, created_at=now, updated_at=now, received_at=now, document=_raw(document))
            delivery = OwedDelivery(
                id=lead_id,
                sync="crm",
                destination="crm",
                lead_id=lead_id,
                version=1,
                owed_at=now,
                received_at=now,
                not_before=now,
                updated_at=now,
            )
            change = LeadChange(lead=lead, previous_version=0)
            await self.ledger.leads.absorb(Absorption(leads=[change], deliveries=[delivery]), now)

    async def fetch(self, count: int) -> Step:
        """Owes so many ids and lets the hydrator begin; its batches end when the resolver has stored them."""
        lines = "\n".join(f"pointer:{number} page" for number in range(count))
        await push(self.ledger, lines, self.clock.now())
        await self.resolve.run_once(self.clock.now())
        await self.bell.wait("fetches:site", 0.01)
        step = await self.hydrate.run_once(self.clock.now())
        await _turns()
        await self.resolve.run_once(self.clock.now())
        await _turns()
        return step


class Once:
    """A service whose one piece of work leaves nothing more to do."""

    name = "once"
    topic = "once"

    def __init__(self, *, is_through: bool) -> None:
        self._is_through = is_through
        self.steps = 0
        self.is_called_again = asyncio.Event()

    async def run_once(self, now: Instant) -> Step:
        self.steps += 1
        if self.steps > 1:
            self.is_called_again.set()
            return Step(rest_s=3600)
        return Step(done=1, rest_s=3600, is_through=self._is_through)

    async def drain(self) -> None:
        """Nothing is under way."""


def _raw(document: bytes) -> msgspec.Raw:
    return msgspec.Raw(document)


async def _turns() -> None:
    for _ in range(8):
        await asyncio.sleep(0)


@pytest.mark.parametrize(("is_through", "steps"), [(True, 1), (False, 2)])
async def test_a_step_that_did_something_is_repeated_at_once_unless_it_is_through(is_through: bool, steps: int) -> None:
    service = Once(is_through=is_through)
    bell = LocalBell()
    watched = Supervisor([service], bell, ManualClock(), Notes())
    running = asyncio.create_task(watched.run())
    await _turns()
    assert service.steps == steps
    bell.ring("once")
    await asyncio.wait_for(service.is_called_again.wait(), 5)
    watched.stop()
    await running


async def test_a_lane_is_through_once_it_claimed_less_than_it_has_room_for() -> None:
    house = House(concurrency=2)
    await house.owe("a")
    some = await house.lane.run_once(house.clock.now())
    await house.owe("b", "c", "d", "e")
    full = await house.lane.run_once(house.clock.now())
    assert ((some.done > 0, some.is_through), (full.done > 0, full.is_through)) == ((True, True), (True, False))


async def test_a_free_slot_takes_the_next_claimed_delivery_before_any_further_step() -> None:
    house = House(concurrency=1)
    await house.owe("a", "b")
    await house.lane.run_once(house.clock.now())
    await _turns()
    first = house.destination.asked[0]
    house.destination.answers[first].set()
    await _turns()
    assert sorted(house.destination.asked) == ["a", "b"]


async def test_a_lane_that_is_paused_during_a_try_starts_no_further_one() -> None:
    house = House(concurrency=1)
    await house.owe("a", "b")
    await house.lane.run_once(house.clock.now())
    await _turns()
    now = house.clock.now()
    await house.pauses.pause(Pause(subject=lane_subject("crm"), cause="manual", reason="by hand", paused_at=now))
    house.destination.answers[house.destination.asked[0]].set()
    await _turns()
    assert len(house.destination.asked) == 1


async def test_a_lane_that_drains_starts_no_further_try() -> None:
    house = House(concurrency=1)
    await house.owe("a", "b")
    await house.lane.run_once(house.clock.now())
    await _turns()
    draining = asyncio.create_task(house.lane.drain())
    await _turns()
    house.destination.answers[house.destination.asked[0]].set()
    await draining
    assert len(house.destination.asked) == 1
    assert await house.ledger.deliveries.next_due("crm") == house.clock.now()


async def test_resolving_is_through_once_fewer_events_waited_than_a_step_takes() -> None:
    house = House()
    for number in range(EVENTS_MAX + 1):
        await push(house.ledger, f"record:{number} +9198{number:08}", house.clock.now())
    full = await house.resolve.run_once(house.clock.now())
    rest = await house.resolve.run_once(house.clock.now())
    assert ((full.done, full.is_through), (rest.done, rest.is_through)) == ((EVENTS_MAX, False), (1, True))


async def test_resolving_is_not_through_while_a_page_waits_for_a_commit_of_its_own() -> None:
    house = House()
    moves = [CursorMove(source="site", stream=stream, cursor=Cursor(position={"at": 1})) for stream in ("one", "two")]
    waiting = [asyncio.create_task(house.resolve.submit(Batch(incoming=[], cursor=move))) for move in moves]
    await _turns()
    first = await house.resolve.run_once(house.clock.now())
    second = await house.resolve.run_once(house.clock.now())
    await asyncio.gather(*waiting)
    assert ((first.done, first.is_through), (second.done, second.is_through)) == ((1, False), (1, True))


async def test_ids_that_came_home_ring_nobody_while_there_was_room_for_more() -> None:
    house = House()
    step = await house.fetch(1)
    assert (step.done, step.is_through) == (1, True)
    assert house.source.fetched == [["0"]]
    assert await house.bell.wait("fetches:site", 0.01) == "timeout"


async def test_a_batch_that_ends_while_every_place_was_taken_rings_for_what_still_waits() -> None:
    house = House()
    step = await house.fetch(BATCH_MAX * BATCHES_AT_ONCE + 1)
    assert (step.done, step.is_through) == (BATCH_MAX * BATCHES_AT_ONCE, False)
    assert await house.bell.wait("fetches:site", 0.01) == "rung"


async def test_an_id_that_could_not_be_read_rings_so_that_its_next_try_is_in_time() -> None:
    house = House()
    house.source.answers = {"0": SourceUnavailable("no answer")}
    await house.fetch(1)
    assert await house.bell.wait("fetches:site", 0.01) == "rung"
