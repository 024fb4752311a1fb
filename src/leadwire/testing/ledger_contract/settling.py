"""The contract of DeliveryQueue.settle and rescue."""

import asyncio
from typing import Any

import msgspec
import pytest

from leadwire.model.delivery import ClaimedDelivery, Grain, OwedDelivery, Settlement
from leadwire.ports.delivery_queue import DeliveryFilter
from leadwire.ports.ledger import Ledger
from leadwire.testing.ledger_contract.samples import (
    START,
    Reopen,
    absorb_lead,
    an_attempt,
    an_owed,
    at,
    claim,
    dead,
    delivered,
    waits,
)


async def _row(ledger: Ledger, delivery_id: str) -> OwedDelivery:
    [row] = await ledger.delivery_book.page(DeliveryFilter(ids=[delivery_id]), None, 1)
    return row


async def _claimed(ledger: Ledger, lead_id: str = "a", **given: Any) -> ClaimedDelivery:
    await absorb_lead(ledger, lead_id, **given)
    [claimed] = await claim(ledger, now=given.get("when", START))
    return claimed


class SettleContract:
    async def test_a_delivered_one_tells_when_and_by_which_attempt(self, ledger: Ledger) -> None:
        claimed = await _claimed(ledger)
        assert list(await ledger.deliveries.settle([delivered(claimed)], at(2))) == []
        row = await _row(ledger, "a_1_crm")
        assert (row.state, row.attempts, row.last_status) == ("delivered", 1, 200)
        assert (row.delivered_at, row.updated_at, row.lease_until, row.owner) == (at(2), at(2), None, None)
        assert list(await ledger.delivery_book.attempts(["a_1_crm"])) == [an_attempt(claimed, "delivered", 200)]
        assert await claim(ledger, now=at(99)) == []

    async def test_a_dead_one_keeps_its_reason(self, ledger: Ledger) -> None:
        claimed = await _claimed(ledger)
        await ledger.deliveries.settle([dead(claimed, "422: no phone")], at(2))
        row = await _row(ledger, "a_1_crm")
        assert (row.state, row.reason, row.attempts, row.last_status) == ("dead", "422: no phone", 1, 422)
        assert row.delivered_at is None
        assert await ledger.deliveries.next_due("crm") is None

    async def test_one_that_waits_is_due_at_its_time_and_not_before(self, ledger: Ledger) -> None:
        claimed = await _claimed(ledger)
        await ledger.deliveries.settle([waits(claimed, at(30), reason="503", uncertain=True)], at(2))
        row = await _row(ledger, "a_1_crm")
        assert (row.state, row.not_before, row.reason, row.attempts) == ("pending", at(30), "503", 1)
        assert (row.uncertain, row.last_status, row.lease_until, row.owner) == (True, 503, None, None)
        assert await claim(ledger, now=at(29)) == []
        assert len(await claim(ledger, now=at(30))) == 1

    async def test_a_released_one_counts_no_attempt(self, ledger: Ledger) -> None:
        claimed = await _claimed(ledger)
        await ledger.deliveries.settle([waits(claimed, at(1), attempt=None)], at(1))
        row = await _row(ledger, "a_1_crm")
        assert (row.state, row.attempts) == ("pending", 0)
        assert list(await ledger.delivery_book.attempts(["a_1_crm"])) == []

    async def test_an_old_epoch_is_refused_and_leaves_no_trace(self, ledger: Ledger) -> None:
        old = await _claimed(ledger)
        await ledger.deliveries.rescue(at(60), owner_is_alone=False)
        [new] = await claim(ledger, now=at(60))
        before = await _row(ledger, "a_1_crm")
        tries = await ledger.delivery_book.attempts(["a_1_crm"])
        assert list(await ledger.deliveries.settle([delivered(old)], at(61))) == ["a_1_crm"]
        assert await _row(ledger, "a_1_crm") == before
        assert await ledger.delivery_book.attempts(["a_1_crm"]) == tries
        assert list(await ledger.deliveries.settle([delivered(new)], at(62))) == []

    async def test_a_lease_that_was_taken_back_can_not_be_settled(self, ledger: Ledger) -> None:
        old = await _claimed(ledger)
        await ledger.deliveries.rescue(at(60), owner_is_alone=False)
        assert list(await ledger.deliveries.settle([dead(old)], at(61))) == ["a_1_crm"]
        assert (await _row(ledger, "a_1_crm")).state == "pending"

    async def test_an_old_epoch_does_not_hide_the_current_one_of_the_same_batch(self, ledger: Ledger) -> None:
        old = await _claimed(ledger)
        await ledger.deliveries.rescue(at(60), owner_is_alone=False)
        [new] = await claim(ledger, now=at(60))
        assert list(await ledger.deliveries.settle([dead(old), delivered(new)], at(61))) == ["a_1_crm"]
        assert (await _row(ledger, "a_1_crm")).state == "delivered"

    async def test_a_refused_delivery_does_not_move_the_lanes_last_one(self, ledger: Ledger) -> None:
        claimed = await _claimed(ledger)
        await ledger.deliveries.settle([delivered(claimed)], at(1))
        await ledger.deliveries.settle([delivered(claimed)], at(2))
        assert [tally.last_delivered_at for tally in await ledger.delivery_book.tally(at(3))] == [at(1)]

    async def test_a_lease_ends_once(self, ledger: Ledger) -> None:
        claimed = await _claimed(ledger)
        assert list(await ledger.deliveries.settle([delivered(claimed), dead(claimed)], at(1))) == ["a_1_crm"]
        assert list(await ledger.deliveries.settle([dead(claimed)], at(2))) == ["a_1_crm"]
        assert (await _row(ledger, "a_1_crm")).state == "delivered"
        assert len(await ledger.delivery_book.attempts(["a_1_crm"])) == 1

    async def test_of_twenty_that_settle_a_lease_at_once_one_is_heard(self, ledger: Ledger) -> None:
        claimed = await _claimed(ledger)
        answers = await asyncio.gather(*[ledger.deliveries.settle([delivered(claimed)], at(1)) for _ in range(20)])
        assert sum(not refused for refused in answers) == 1
        assert (await _row(ledger, "a_1_crm")).attempts == 1

    async def test_refused_ones_do_not_hold_up_the_others(self, ledger: Ledger) -> None:
        await absorb_lead(ledger, "a")
        await absorb_lead(ledger, "b")
        first, second = await claim(ledger, now=START)
        unknown = Settlement(delivery_id="unknown", epoch=1, state="dead", not_before=START)
        stale = msgspec.structs.replace(delivered(first), epoch=99)
        refused = await ledger.deliveries.settle([unknown, stale, delivered(second)], at(1))
        assert sorted(refused) == sorted(["unknown", first.delivery.id])
        assert (await _row(ledger, first.delivery.id)).state == "leased"
        assert (await _row(ledger, second.delivery.id)).state == "delivered"

    async def test_one_that_would_wait_is_superseded_where_a_newer_version_is_owed(self, ledger: Ledger) -> None:
        claimed = await _claimed(ledger)
        await absorb_lead(ledger, "a", 2, when=at(1))
        await ledger.deliveries.settle([waits(claimed, at(9))], at(2))
        row = await _row(ledger, "a_1_crm")
        assert (row.state, row.attempts, row.updated_at) == ("superseded", 1, at(2))
        assert len(await ledger.delivery_book.attempts(["a_1_crm"])) == 1
        assert [one.delivery.version for one in await claim(ledger, now=at(9))] == [2]

    async def test_a_newer_dead_letter_or_another_syncs_version_supersedes_nothing(self, ledger: Ledger) -> None:
        claimed = await _claimed(ledger)
        await absorb_lead(ledger, "a", 2, owed=[an_owed("a", 2, sync="chat"), an_owed("a", 2, state="dead")])
        await ledger.deliveries.settle([waits(claimed, at(9))], at(2))
        assert (await _row(ledger, "a_1_crm")).state == "pending"

    async def test_a_dead_or_delivered_one_stays_so_beside_a_newer_version(self, ledger: Ledger) -> None:
        first = await _claimed(ledger)
        await absorb_lead(ledger, "a", 2)
        await ledger.deliveries.settle([dead(first)], at(1))
        [second] = await claim(ledger, now=at(1))
        await absorb_lead(ledger, "a", 3)
        await ledger.deliveries.settle([delivered(second)], at(2))
        assert [(await _row(ledger, f"a_{version}_crm")).state for version in (1, 2, 3)] == [
            "dead",
            "delivered",
            "pending",
        ]

    @pytest.mark.parametrize(("grain", "newer"), [("record", "record"), ("record", "lead"), ("lead", "record")])
    async def test_a_record_neither_overtakes_nor_is_overtaken(
        self, ledger: Ledger, grain: Grain, newer: Grain
    ) -> None:
        claimed = await _claimed(ledger, owed=[an_owed("a", grain=grain)])
        await absorb_lead(ledger, "a", 2, owed=[an_owed("a", 2, grain=newer, not_before=at(1))])
        await ledger.deliveries.settle([waits(claimed, at(0.5))], at(0.5))
        assert (await _row(ledger, "a_1_crm")).state == "pending"

    async def test_leases_that_ran_out_are_taken_back_and_others_are_not(self, ledger: Ledger) -> None:
        await _claimed(ledger)
        await absorb_lead(ledger, "b")
        [later] = await claim(ledger, now=at(30))
        assert await ledger.deliveries.rescue(at(59), owner_is_alone=False) == 0
        assert await ledger.deliveries.rescue(at(61), owner_is_alone=False) == 1
        row = await _row(ledger, "a_1_crm")
        assert (row.state, row.not_before, row.uncertain, row.attempts) == ("pending", at(61), True, 1)
        assert (row.lease_until, row.owner, row.updated_at) == (None, None, at(61))
        assert (await _row(ledger, later.delivery.id)).state == "leased"

    async def test_a_rescued_try_is_told_as_one_of_unknown_outcome(self, ledger: Ledger) -> None:
        claimed = await _claimed(ledger)
        await ledger.deliveries.settle([waits(claimed, at(1))], at(1))
        await claim(ledger, now=at(1))
        await ledger.deliveries.rescue(at(99), owner_is_alone=False)
        tries = await ledger.delivery_book.attempts(["a_1_crm"])
        assert [(one.number, one.outcome) for one in tries] == [(1, "retryable"), (2, "unknown")]
        assert tries[1].delivery_id == "a_1_crm"

    async def test_a_lonely_owner_takes_all_leases_back_at_once(self, ledger: Ledger) -> None:
        await _claimed(ledger)
        await absorb_lead(ledger, "b", owed=[an_owed("b", sync="chat")])
        await claim(ledger, now=START, destination="chat")
        assert await ledger.deliveries.rescue(at(1), owner_is_alone=True) == 2
        assert await ledger.deliveries.rescue(at(1), owner_is_alone=True) == 0
        assert len(await claim(ledger, now=at(1))) == 1
        assert len(await claim(ledger, now=at(1), destination="chat")) == 1

    async def test_a_rescued_one_is_superseded_where_a_newer_version_is_owed(self, ledger: Ledger) -> None:
        await _claimed(ledger)
        await absorb_lead(ledger, "a", 2)
        assert await ledger.deliveries.rescue(at(61), owner_is_alone=False) == 1
        assert (await _row(ledger, "a_1_crm")).state == "superseded"
        assert [one.outcome for one in await ledger.delivery_book.attempts(["a_1_crm"])] == ["unknown"]

    async def test_leases_and_attempts_outlive_the_process(self, ledger: Ledger, reopen: Reopen) -> None:
        first = await _claimed(ledger)
        await ledger.deliveries.settle([waits(first, at(1))], at(1))
        [second] = await claim(ledger, now=at(1))
        other = await reopen()
        assert await claim(other, now=at(2)) == []
        assert list(await other.deliveries.settle([delivered(second)], at(2))) == []
        tries = await other.delivery_book.attempts(["a_1_crm"])
        assert [one.outcome for one in tries] == ["retryable", "delivered"]
