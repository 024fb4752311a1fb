"""A lane: limits, retries, pauses and order, on the memory store with a clock moved by hand."""

import asyncio
from collections.abc import Callable, Sequence

import msgspec
import pytest

from engine_parts.parts import Notes, Told
from leadwire.engine.bell import LocalBell
from leadwire.engine.dispatch import Lane, LanePolicy, LaneTools
from leadwire.engine.pauses import Pauses
from leadwire.model.changes import Absorption, LeadChange
from leadwire.model.delivery import DeliveryState, OwedDelivery
from leadwire.model.lead import Lead
from leadwire.model.times import DAY, SECOND, Instant
from leadwire.ports.delivery_queue import DeliveryClaim, DeliveryFilter
from leadwire.rules.mapping import Mapping
from leadwire.rules.transitions import RetryPolicy
from leadwire.sdk import (
    Delivered,
    Delivery,
    Destination,
    DestinationAuthBroken,
    DestinationGone,
    EgressRefused,
    OutcomeUnknown,
    Receipt,
    Rejected,
    Retryable,
)
from leadwire.store.memory import MemoryLedger
from leadwire.testing.manual_clock import ManualClock


class FixedChance:
    def random(self) -> float:
        return 0.5

    def getrandbits(self, k: int, /) -> int:
        return k


class House:
    """A lane with its ledger. `settle` runs it until nothing more happens at this instant."""

    def __init__(self, destination: Destination, **policy: object) -> None:
        self.ledger = MemoryLedger()
        self.clock = ManualClock()
        self.notes = Notes()
        self.pauses = Pauses(self.ledger.pauses, self.notes)
        tools = LaneTools(
            queue=self.ledger.deliveries,
            pauses=self.pauses,
            bell=LocalBell(),
            clock=self.clock,
            chance=FixedChance(),
            observer=self.notes,
            owner="test",
        )
        base = LanePolicy(destination="crm", mappings={})
        self.lane = Lane(destination, msgspec.structs.replace(base, **policy), tools)

    async def owe(self, lead_id: str, version: int = 1, received_at: Instant | None = None) -> None:
        now = self.clock.now() if received_at is None else received_at
        document = msgspec.Raw(msgspec.json.encode({"id": lead_id, "version": version, "full_name": "Asha"}))
        lead = Lead(id=lead_id, version=version, created_at=now, updated_at=now, received_at=now, document=document)
        delivery = OwedDelivery(
            id=f"{lead_id}_{version}_crm",
            sync="crm",
            destination="crm",
            lead_id=lead_id,
            version=version,
            owed_at=now,
            received_at=now,
            not_before=now,
            updated_at=now,
        )
        change = LeadChange(lead=lead, previous_version=version - 1)
        await self.ledger.leads.absorb(Absorption(leads=[change], deliveries=[delivery]), now)

    async def settle(self) -> float:
        for _ in range(200):
            for _ in range(6):
                await asyncio.sleep(0)
            step = await self.lane.run_once(self.clock.now())
            if not step.done:
                return step.rest_s
        raise AssertionError("the lane never comes to rest")

    async def states(self) -> dict[str, DeliveryState]:
        rows = await self.ledger.delivery_book.page(DeliveryFilter(), None, 500)
        return {row.id: row.state for row in rows}

    async def row(self, delivery_id: str) -> OwedDelivery:
        rows = await self.ledger.delivery_book.page(DeliveryFilter(ids=[delivery_id]), None, 1)
        return rows[0]


async def test_what_is_owed_is_delivered_once_and_its_attempt_kept() -> None:
    told = Told()
    house = House(told)
    await house.owe("a")
    await house.settle()
    await house.settle()
    assert [delivery.key for delivery in told.deliveries] == ["a_1_crm"]
    assert await house.states() == {"a_1_crm": "delivered"}
    attempts = await house.ledger.delivery_book.attempts(["a_1_crm"])
    assert [(attempt.number, attempt.outcome, attempt.status) for attempt in attempts] == [(1, "delivered", 200)]


async def test_the_first_version_that_arrives_is_created_and_the_next_is_updated() -> None:
    told = Told()
    house = House(told)
    await house.owe("a")
    await house.settle()
    await house.owe("a", 2)
    await house.settle()
    assert [delivery.type for delivery in told.deliveries] == ["lead.created", "lead.updated"]


async def test_a_failed_delivery_stays_owed_and_is_tried_again_under_the_same_key_and_bytes() -> None:
    answers: list[Receipt] = [Retryable("busy", status=503), OutcomeUnknown("lost"), Delivered(status=201)]
    told = Told(lambda _delivery: answers.pop(0))
    house = House(told)
    await house.owe("a")
    for _ in range(3):
        await house.settle()
        house.clock.advance(10)
    first, second, third = told.deliveries
    assert {first.key, second.key, third.key} == {"a_1_crm"}
    assert bytes(first.data) == bytes(second.data) == bytes(third.data)
    assert [delivery.attempt for delivery in told.deliveries] == [1, 2, 3]
    assert [delivery.uncertain for delivery in told.deliveries] == [False, False, True]
    assert (await house.row("a_1_crm")).state == "delivered"


async def test_a_lost_reply_is_tried_again_within_ten_seconds() -> None:
    house = House(Told(lambda _delivery: OutcomeUnknown()))
    await house.owe("a")
    await house.settle()
    assert 0 < (await house.row("a_1_crm")).not_before - house.clock.now() <= 10 * SECOND


async def test_a_clear_refusal_is_a_dead_letter_at_the_first_answer() -> None:
    told = Told(lambda _delivery: Rejected("it answered 422", status=422))
    house = House(told)
    await house.owe("a")
    await house.settle()
    house.clock.advance(3600)
    await house.settle()
    row = await house.row("a_1_crm")
    assert (row.state, row.reason, row.last_status, len(told.deliveries)) == ("dead", "it answered 422", 422, 1)


async def test_retry_after_silences_the_whole_lane() -> None:
    answers: list[Receipt] = [Retryable("slow down", status=429, after_s=30)]
    told = Told(lambda _delivery: answers.pop(0) if answers else Delivered())
    house = House(told, concurrency=1)
    await house.owe("a")
    await house.owe("b")
    await house.settle()
    tried = len(told.deliveries)
    house.clock.advance(29)
    await house.settle()
    assert len(told.deliveries) == tried
    house.clock.advance(2)
    await house.settle()
    assert set((await house.states()).values()) == {"delivered"}


@pytest.mark.parametrize(
    ("failure", "cause"),
    [(DestinationAuthBroken("401", status=401), "auth"), (DestinationGone("410", status=410), "gone")],
)
async def test_refused_credentials_and_410_pause_the_lane_and_keep_what_is_owed(failure: Receipt, cause: str) -> None:
    answers = [failure]
    told = Told(lambda _delivery: answers.pop(0) if answers else Delivered())
    house = House(told)
    await house.owe("a")
    await house.settle()
    house.clock.advance(3600)
    await house.settle()
    assert len(told.deliveries) == 1
    assert await house.states() == {"a_1_crm": "pending"}
    assert house.notes.alerts == ["destination:crm"]
    pause = (await house.ledger.pauses.pauses())[0]
    assert pause.cause == cause
    assert await house.pauses.resume("destination:crm")
    await house.settle()
    assert await house.states() == {"a_1_crm": "delivered"}


async def test_the_retry_horizon_ends_in_a_dead_letter_that_says_so() -> None:
    house = House(Told(lambda _delivery: Retryable("busy", status=503)), retry=RetryPolicy(horizon_s=86_400))
    await house.owe("a", received_at=house.clock.now() - 2 * DAY)
    await house.settle()
    row = await house.row("a_1_crm")
    assert row.state == "dead"
    assert "gave up after 1 days" in (row.reason or "")


async def test_an_unknown_outcome_where_repeating_is_not_safe_is_a_dead_letter_with_that_reason() -> None:
    house = House(Told(lambda _delivery: OutcomeUnknown("lost")), retry=RetryPolicy(is_safe_to_repeat=False))
    await house.owe("a")
    await house.settle()
    row = await house.row("a_1_crm")
    assert row.state == "dead"
    assert "look there first" in (row.reason or "")


async def test_never_more_than_the_concurrency_is_under_way() -> None:
    gate, started = asyncio.Event(), []

    class Slow:
        async def deliver(self, batch: Sequence[Delivery]) -> Sequence[Receipt]:
            started.append(batch[0].key)
            await gate.wait()
            return [Delivered()]

    house = House(Slow(), concurrency=3)
    for number in range(10):
        await house.owe(f"lead{number}")
    await house.settle()
    assert len(started) == 3
    gate.set()
    await house.settle()
    assert set((await house.states()).values()) == {"delivered"}


async def test_the_rate_is_never_exceeded() -> None:
    times: list[Instant] = []

    def note(_delivery: Delivery) -> Receipt:
        times.append(house.clock.now())
        return Delivered()

    house = House(Told(note), rate=(2.0, 1.0))
    for number in range(6):
        await house.owe(f"lead{number}")
    for _ in range(60):
        await house.settle()
        house.clock.advance(0.1)
    assert len(times) == 6
    for begin in times:
        assert sum(begin <= moment < begin + SECOND for moment in times) <= 2


async def test_a_dead_destination_is_probed_and_then_everything_flows_at_once() -> None:
    is_up = False
    told = Told(lambda _delivery: Delivered() if is_up else Retryable("down", status=503))
    house = House(told)
    for number in range(20):
        await house.owe(f"lead{number}")
    await house.settle()
    for _ in range(60):
        house.clock.advance(0.25)
        await house.settle()
    assert house.lane.breaker.state != "closed"
    tries_down = len(told.deliveries)
    assert tries_down < 40, "the breaker spares the destination"
    is_up = True
    for _ in range(24):
        house.clock.advance(0.25)
        await house.settle()
    assert set((await house.states()).values()) == {"delivered"}, "within 6 s of its return"


async def test_an_all_or_nothing_batch_is_halved_until_the_bad_one_stands_alone() -> None:
    class AllOrNothing:
        batch_max = 8

        async def deliver(self, batch: Sequence[Delivery]) -> Sequence[Receipt]:
            if any(delivery.lead_id == "lead5" for delivery in batch):
                raise Rejected("one of them is bad", status=400)
            return [Delivered() for _ in batch]

    house = House(AllOrNothing())
    for number in range(8):
        await house.owe(f"lead{number}")
    await house.settle()
    states = await house.states()
    assert states.pop("lead5_1_crm") == "dead"
    assert set(states.values()) == {"delivered"}


async def test_a_partial_failure_retries_only_the_failed_items() -> None:
    answers: Callable[[Delivery], Receipt] = lambda delivery: (  # noqa: E731
        Retryable("item failed") if delivery.lead_id == "lead2" and delivery.attempt == 1 else Delivered()
    )
    told = Told(answers, batch_max=5)
    house = House(told)
    for number in range(5):
        await house.owe(f"lead{number}")
    await house.settle()
    house.clock.advance(5)
    await house.settle()
    assert [len(batch) for batch in told.batches] == [5, 1]
    assert set((await house.states()).values()) == {"delivered"}


async def test_a_connector_that_fails_or_miscounts_loses_nothing() -> None:
    class Broken:
        tries = 0

        async def deliver(self, batch: Sequence[Delivery]) -> Sequence[Receipt]:
            self.tries += 1
            if self.tries == 1:
                raise ZeroDivisionError
            return [] if self.tries == 2 else [Delivered() for _ in batch]

    house = House(Broken())
    await house.owe("a")
    for _ in range(3):
        await house.settle()
        house.clock.advance(10)
    assert await house.states() == {"a_1_crm": "delivered"}
    assert house.notes.crashes == ["lane:crm: ZeroDivisionError"]


async def test_a_mapping_that_fails_for_a_lead_is_a_dead_letter_and_not_a_crash() -> None:
    mapping = Mapping.compile({"n": "length(version)"}, None)
    told = Told()
    house = House(told, mappings={"crm": mapping})
    await house.owe("a")
    await house.settle()
    row = await house.row("a_1_crm")
    assert row.state == "dead"
    assert "fields.n" in (row.reason or "")
    assert told.deliveries == []


async def test_five_changes_during_an_outage_become_one_write_of_the_newest() -> None:
    told = Told()
    house = House(told)
    await house.pauses.load()
    for version in range(1, 6):
        await house.owe("a", version)
    await house.settle()
    assert [delivery.version for delivery in told.deliveries] == [5]
    assert sorted((await house.states()).values()) == ["delivered", *["superseded"] * 4]


async def test_a_pause_gives_back_what_was_claimed_and_not_started() -> None:
    gate = asyncio.Event()

    class Slow:
        async def deliver(self, batch: Sequence[Delivery]) -> Sequence[Receipt]:
            await gate.wait()
            return [DestinationGone(status=410) for _ in batch]

    house = House(Slow(), concurrency=1)
    for number in range(3):
        await house.owe(f"lead{number}")
    await house.settle()
    gate.set()
    await house.settle()
    assert set((await house.states()).values()) == {"pending"}


async def test_drain_settles_what_runs_and_gives_the_rest_back() -> None:
    gate = asyncio.Event()

    class Slow:
        async def deliver(self, batch: Sequence[Delivery]) -> Sequence[Receipt]:
            await gate.wait()
            return [Delivered() for _ in batch]

    house = House(Slow(), concurrency=1)
    await house.owe("a")
    await house.owe("b")
    await house.settle()
    draining = asyncio.create_task(house.lane.drain())
    await asyncio.sleep(0)
    assert not draining.done()
    gate.set()
    await draining
    assert sorted((await house.states()).values()) == ["delivered", "pending"]


async def test_an_address_that_is_not_allowed_makes_the_lane_wait_with_the_setting_in_its_reason() -> None:
    class Refused:
        tries = 0

        async def deliver(self, batch: Sequence[Delivery]) -> Sequence[Receipt]:
            self.tries += 1
            if self.tries == 1:
                raise EgressRefused('list "127.0.0.1/32" in [egress] allow to permit it')
            return [Delivered() for _ in batch]

    house = House(Refused())
    await house.owe("a")
    await house.settle()
    pause = house.pauses.of("destination:crm", house.clock.now())
    assert pause is not None
    assert "[egress] allow" in pause.reason
    assert (await house.row("a_1_crm")).state == "pending"
    house.clock.advance(11)
    await house.settle()
    assert (await house.row("a_1_crm")).state == "delivered"


async def test_a_try_that_a_crash_cut_off_is_not_repeated_where_that_is_not_safe_until_someone_replays_it() -> None:
    told = Told()
    house = House(told, retry=RetryPolicy(is_safe_to_repeat=False))
    await house.owe("a")
    now = house.clock.now()
    claim = DeliveryClaim(
        destination="crm", limit=1, fresh=0, fresh_since=now, now=now, lease_until=now + SECOND, owner="dead"
    )
    await house.ledger.deliveries.claim(claim)
    await house.ledger.deliveries.rescue(now, owner_is_alone=True)
    await house.settle()
    row = await house.row("a_1_crm")
    assert (row.state, told.deliveries) == ("dead", [])
    assert "look there first" in (row.reason or "")
    assert await house.ledger.delivery_book.replay(DeliveryFilter(ids=["a_1_crm"]), now, dry_run=False) == 1
    await house.settle()
    assert (await house.row("a_1_crm")).state == "delivered"
