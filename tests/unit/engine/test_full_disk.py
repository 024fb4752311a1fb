"""A ledger that takes nothing for a while: what became of tries and fetches is kept, and written down when there is room."""

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec

from engine_parts.parts import Notes, Scripted, Told, push
from leadwire.engine.bell import LocalBell
from leadwire.engine.dispatch import Lane, LanePolicy, LaneTools
from leadwire.engine.hydrate import Hydrate, HydrateTools
from leadwire.engine.pauses import Pauses
from leadwire.engine.resolve import Resolve, ResolveRules
from leadwire.engine.step import Step
from leadwire.engine.supervisor import Supervisor
from leadwire.model.changes import Absorption, LeadChange
from leadwire.model.delivery import OwedDelivery, Settlement
from leadwire.model.errors import StorageFull
from leadwire.model.lead import Lead
from leadwire.model.pull import FetchSettlement
from leadwire.model.times import Instant
from leadwire.ports.delivery_queue import DeliveryFilter
from leadwire.rules.resolution import SourcePolicy
from leadwire.sdk import DestinationAuthBroken
from leadwire.store.memory import MemoryLedger
from leadwire.testing.manual_clock import ManualClock


class FixedChance:
    def random(self) -> float:
        return 0.5

    def getrandbits(self, k: int, /) -> int:
        return k


class Full:
    """A port of the ledger whose `settle` and `absorb` find no room while `is_full`."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.is_full = False

    async def settle(self, settlements: Sequence[Settlement | FetchSettlement], now: Instant) -> Any:
        if self.is_full:
            raise StorageFull
        return await self._inner.settle(settlements, now)

    async def absorb(self, absorption: Absorption, now: Instant) -> None:
        if self.is_full:
            raise StorageFull
        await self._inner.absorb(absorption, now)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


async def others_run() -> None:
    for _ in range(6):
        await asyncio.sleep(0)


async def step_fails(service: Lane | Hydrate | Resolve, now: Instant) -> None:
    try:
        await service.run_once(now)
    except StorageFull:
        return
    raise AssertionError("the full disk went unnoticed")


class LaneHouse:
    def __init__(self, told: Told) -> None:
        self.ledger = MemoryLedger()
        self.queue = Full(self.ledger.deliveries)
        self.clock = ManualClock()
        self.pauses = Pauses(self.ledger.pauses, Notes())
        tools = LaneTools(
            queue=self.queue,
            pauses=self.pauses,
            bell=LocalBell(),
            clock=self.clock,
            chance=FixedChance(),
            observer=Notes(),
            owner="test",
        )
        self.lane = Lane(told, LanePolicy(destination="crm", mappings={}), tools)

    async def owe(self, lead_id: str) -> None:
        now = self.clock.now()
        document = msgspec.Raw(msgspec.json.encode({"id": lead_id, "version": 1}))
        lead = Lead(id=lead_id, version=1, created_at=now, updated_at=now, received_at=now, document=document)
        delivery = OwedDelivery(
            id=f"{lead_id}_1_crm",
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

    async def state(self) -> str:
        return (await self.ledger.delivery_book.page(DeliveryFilter(), None, 1))[0].state


async def test_a_delivery_made_while_the_disk_is_full_is_not_made_again() -> None:
    told = Told()
    house = LaneHouse(told)
    await house.owe("a")
    await house.lane.run_once(house.clock.now())
    house.queue.is_full = True
    await others_run()
    for _ in range(3):
        await step_fails(house.lane, house.clock.now())
    assert await house.state() == "leased"
    house.queue.is_full = False
    await house.lane.run_once(house.clock.now())
    assert await house.state() == "delivered"
    assert len(told.deliveries) == 1


async def test_a_lane_that_must_pause_pauses_once_there_is_room() -> None:
    house = LaneHouse(Told(lambda _delivery: DestinationAuthBroken(status=401)))
    await house.owe("a")
    await house.lane.run_once(house.clock.now())
    house.queue.is_full = True
    await others_run()
    await step_fails(house.lane, house.clock.now())
    house.queue.is_full = False
    await house.lane.run_once(house.clock.now())
    assert await house.state() == "pending"
    assert [pause.cause for pause in house.pauses.all(house.clock.now())] == ["auth"]


async def test_an_id_whose_record_found_no_room_is_fetched_again_at_once() -> None:
    ledger, clock, notes, source, bell = MemoryLedger(), ManualClock(), Notes(), Scripted(), LocalBell()
    leads = Full(ledger.leads)
    rules = ResolveRules(policies={"site": SourcePolicy()}, routes=[], new_id=lambda: "lead00000")
    resolve = Resolve(ledger.events, leads, {"site": source}, rules, bell, notes)
    tools = HydrateTools(
        queue=ledger.fetches,
        resolve=resolve,
        pauses=Pauses(ledger.pauses, notes),
        bell=bell,
        clock=clock,
        chance=FixedChance(),
        observer=notes,
        owner="test",
    )
    hydrate = Hydrate("site", source, tools)
    await push(ledger, "pointer:a", clock.now())
    await resolve.run_once(clock.now())
    leads.is_full = True
    await hydrate.run_once(clock.now())
    await others_run()
    await step_fails(resolve, clock.now())
    await others_run()
    leads.is_full = False
    for _ in range(3):
        await hydrate.run_once(clock.now())
        await others_run()
        await resolve.run_once(clock.now())
        await others_run()
    assert [fetch.state for fetch in await ledger.fetches.page(None, None, None, 5)] == ["done"]


class Stuck:
    """A service that can't write down its last words."""

    name = topic = "lane:crm"

    async def run_once(self, now: Instant) -> Step:
        return Step(rest_s=3600)

    async def drain(self) -> None:
        raise StorageFull


async def test_a_stop_on_a_full_disk_drains_the_others_and_is_no_failure() -> None:
    notes = Notes()
    supervisor = Supervisor([Stuck(), Stuck()], LocalBell(), ManualClock(), notes)
    running = asyncio.create_task(supervisor.run())
    await others_run()
    supervisor.stop()
    await asyncio.wait_for(running, 5)
    assert supervisor.failure is None
    assert notes.crashes == ["lane:crm: StorageFull", "lane:crm: StorageFull"]
