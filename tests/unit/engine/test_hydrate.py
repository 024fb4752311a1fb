"""Hydrate: ids become records, in batches when it is busy, and no outcome of a fetch ever forgets an id."""

import asyncio

from engine_parts.parts import Notes, Scripted, push, stored
from leadwire.engine.bell import LocalBell
from leadwire.engine.hydrate import Hydrate, HydrateTools
from leadwire.engine.pauses import Pauses
from leadwire.engine.resolve import Resolve, ResolveRules
from leadwire.model.pull import FetchState
from leadwire.model.times import MINUTE, SECOND
from leadwire.rules.resolution import SourcePolicy
from leadwire.sdk import NotYetReadable, SourceAuthBroken, SourceRefused, SourceUnavailable, Throttled
from leadwire.store.memory import MemoryLedger
from leadwire.testing.manual_clock import ManualClock


class FixedChance:
    def random(self) -> float:
        return 0.5

    def getrandbits(self, k: int, /) -> int:
        return k


class House:
    def __init__(self) -> None:
        self.ledger = MemoryLedger()
        self.clock = ManualClock()
        self.notes = Notes()
        self.source = Scripted()
        self.bell = LocalBell()
        self.pauses = Pauses(self.ledger.pauses, self.notes)
        numbers = iter(range(10_000))
        rules = ResolveRules(policies={"site": SourcePolicy()}, routes=[], new_id=lambda: f"lead{next(numbers):05}")
        self.resolve = Resolve(
            self.ledger.events, self.ledger.leads, {"site": self.source}, rules, self.bell, self.notes
        )
        tools = HydrateTools(
            queue=self.ledger.fetches,
            resolve=self.resolve,
            pauses=self.pauses,
            bell=self.bell,
            clock=self.clock,
            chance=FixedChance(),
            observer=self.notes,
            owner="test",
        )
        self.hydrate = Hydrate("site", self.source, tools)

    async def tell(self, *lines: str) -> None:
        await push(self.ledger, "\n".join(lines), self.clock.now())
        await self.resolve.run_once(self.clock.now())

    async def work(self) -> None:
        for _ in range(100):
            step = await self.hydrate.run_once(self.clock.now())
            for _ in range(4):
                await asyncio.sleep(0)
            resolved = await self.resolve.run_once(self.clock.now())
            for _ in range(4):
                await asyncio.sleep(0)
            if not step.done and not resolved.done:
                return
        raise AssertionError("hydrate never comes to rest")

    async def states(self) -> dict[str, FetchState]:
        return {fetch.native_id: fetch.state for fetch in await self.ledger.fetches.page(None, None, None, 500)}


async def test_one_id_is_read_alone_at_once() -> None:
    house = House()
    await house.tell("pointer:1 page")
    await house.work()
    assert house.source.fetched == [["1"]]
    assert await stored(house.ledger, "1")
    assert await house.states() == {"1": "done"}


async def test_many_ids_are_read_in_batches_of_at_most_fifty_and_never_across_scopes() -> None:
    house = House()
    await house.tell(*[f"pointer:{number} page{number % 2}" for number in range(240)])
    await house.work()
    assert max(len(batch) for batch in house.source.fetched) <= 50
    assert len(house.source.fetched) < 12
    for batch in house.source.fetched:
        assert len({int(native_id) % 2 for native_id in batch}) == 1
    assert set((await house.states()).values()) == {"done"}


async def test_one_bad_id_never_costs_its_batch() -> None:
    house = House()
    house.source.answers = {"2": SourceRefused("no permission: ask for leads_retrieval")}
    await house.tell("pointer:1 page", "pointer:2 page", "pointer:3 page")
    await house.work()
    assert await house.states() == {"1": "done", "2": "parked", "3": "done"}
    parked = (await house.ledger.fetches.page("parked", None, None, 10))[0]
    assert parked.reason == "no permission: ask for leads_retrieval"


async def test_not_yet_readable_is_asked_again_within_two_seconds_for_ten_minutes_and_then_parked() -> None:
    house = House()
    house.source.answers = {"1": NotYetReadable("100/33: check Leads Access Manager")}
    await house.tell("pointer:1 page")
    await house.work()
    due = await house.ledger.fetches.next_due("site")
    assert due is not None
    assert due - house.clock.now() <= 2 * SECOND
    while (due := await house.ledger.fetches.next_due("site")) is not None:
        house.clock.advance_to(due)
        await house.work()
    waited = house.clock.now() - (await house.ledger.fetches.page("parked", None, None, 1))[0].received_at
    assert 9 * MINUTE <= waited <= 11 * MINUTE
    assert await house.states() == {"1": "parked"}


async def test_a_throttled_page_waits_until_its_time_and_other_pages_go_on() -> None:
    house = House()
    until = house.clock.now() + 5 * MINUTE
    house.source.answers = {"1": Throttled("80005", until=until, scope="page1")}
    await house.tell("pointer:1 page1", "pointer:2 page2")
    await house.work()
    await house.tell("pointer:3 page1")
    await house.work()
    assert ["3"] not in house.source.fetched
    assert (await house.states())["2"] == "done"
    house.source.answers = {}
    house.clock.advance_to(until)
    await house.work()
    assert set((await house.states()).values()) == {"done"}


async def test_a_dead_token_stops_its_page_alerts_once_and_keeps_every_id() -> None:
    house = House()
    house.source.answers = {"1": SourceAuthBroken("190: the token expired", scope="page1")}
    await house.tell("pointer:1 page1")
    await house.work()
    await house.tell("pointer:2 page1", "pointer:3 page2")
    await house.work()
    assert house.notes.alerts == ["source:site/page1"]
    assert await house.states() == {"1": "pending", "2": "pending", "3": "done"}
    house.source.answers = {}
    await house.pauses.lift_causes("auth")
    house.clock.advance(600)
    await house.work()
    assert set((await house.states()).values()) == {"done"}


async def test_an_unavailable_source_is_asked_again_without_end() -> None:
    house = House()
    house.source.answers = {"1": SourceUnavailable("500")}
    await house.tell("pointer:1 page")
    for _ in range(30):
        await house.work()
        due = await house.ledger.fetches.next_due("site")
        assert due is not None
        house.clock.advance_to(due)
    house.source.answers = {}
    await house.work()
    assert await house.states() == {"1": "done"}


async def test_a_connector_that_fails_loses_no_id() -> None:
    house = House()
    house.source.answers = {"1": ZeroDivisionError()}
    await house.tell("pointer:1 page", "pointer:2 page")
    await house.work()
    assert house.notes.crashes == ["hydrate:site: ZeroDivisionError"]
    house.source.answers = {}
    house.clock.advance(60)
    await house.work()
    assert set((await house.states()).values()) == {"done"}


async def test_an_id_whose_scope_waits_is_not_asked_for_at_full_speed() -> None:
    house = House()
    house.source.answers = {"1": SourceAuthBroken("190", scope="page1")}
    await house.tell("pointer:1 page1")
    await house.work()
    await house.tell("pointer:2 page1")
    step = await house.hydrate.run_once(house.clock.now())
    assert step.done == 0
    assert step.rest_s >= 0.25
