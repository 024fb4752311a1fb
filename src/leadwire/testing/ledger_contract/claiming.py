"""The contract of DeliveryQueue.claim and of what is due."""

import asyncio
from typing import Any

import msgspec

from leadwire.ports.delivery_queue import DeliveryClaim, DeliveryFilter
from leadwire.ports.ledger import Ledger
from leadwire.testing.ledger_contract.samples import (
    START,
    absorb_lead,
    an_owed,
    at,
    claim,
    dead,
    delivered,
    waits,
)


async def _owe(ledger: Ledger, lead_id: str, *, due_s: float, received_s: float, **changes: Any) -> None:
    owed = an_owed(lead_id, not_before=at(due_s), received_at=at(received_s), owed_at=at(received_s), **changes)
    await absorb_lead(ledger, lead_id, owed=[owed])


async def _claim(ledger: Ledger, *, limit: int, fresh: int, fresh_since_s: float, now_s: float = 100) -> list[str]:
    asked = DeliveryClaim(
        destination="crm",
        limit=limit,
        fresh=fresh,
        fresh_since=at(fresh_since_s),
        now=at(now_s),
        lease_until=at(now_s + 60),
        owner="one",
    )
    return [claimed.delivery.lead_id for claimed in await ledger.deliveries.claim(asked)]


class ClaimContract:
    async def test_a_claim_leases_the_delivery_with_its_document(self, ledger: Ledger) -> None:
        await absorb_lead(ledger, "a")
        asked = DeliveryClaim(
            destination="crm", limit=5, fresh=0, fresh_since=START, now=at(3), lease_until=at(63), owner="node 1"
        )
        [claimed] = await ledger.deliveries.claim(asked)
        row = an_owed("a", state="leased", epoch=1, lease_until=at(63), owner="node 1", updated_at=at(3))
        assert claimed.delivery == row
        assert msgspec.json.decode(claimed.document) == {"id": "a", "version": 1}
        assert claimed.is_first is True
        assert await ledger.delivery_book.page(DeliveryFilter(), None, 5) == [row]

    async def test_nothing_is_claimed_twice(self, ledger: Ledger) -> None:
        await absorb_lead(ledger, "a")
        assert len(await claim(ledger, now=START)) == 1
        assert await claim(ledger, now=at(1)) == []

    async def test_of_twenty_claims_at_once_each_delivery_goes_to_one(self, ledger: Ledger) -> None:
        for number in range(10):
            await absorb_lead(ledger, f"lead {number}")
        claims = await asyncio.gather(*[claim(ledger, now=START, limit=1) for _ in range(20)])
        taken = [claimed.delivery.id for one in claims for claimed in one]
        assert len(taken) == 10
        assert len(set(taken)) == 10

    async def test_what_is_due_later_or_elsewhere_or_done_is_not_claimed(self, ledger: Ledger) -> None:
        await _owe(ledger, "now", due_s=10, received_s=0)
        await _owe(ledger, "later", due_s=11, received_s=0)
        await _owe(ledger, "elsewhere", due_s=0, received_s=0, sync="chat")
        await _owe(ledger, "dead", due_s=0, received_s=0, state="dead")
        assert await _claim(ledger, limit=9, fresh=9, fresh_since_s=0, now_s=10) == ["now"]

    async def test_a_claim_goes_in_the_order_in_which_deliveries_became_due(self, ledger: Ledger) -> None:
        for lead_id, due_s in (("b", 2), ("c", 3), ("a", 1), ("d", 4)):
            await _owe(ledger, lead_id, due_s=due_s, received_s=10 - due_s)
        assert await _claim(ledger, limit=3, fresh=0, fresh_since_s=0) == ["a", "b", "c"]
        assert await _claim(ledger, limit=3, fresh=0, fresh_since_s=0) == ["d"]

    async def test_fresh_ones_come_first_from_new_to_old_then_the_longest_due(self, ledger: Ledger) -> None:
        for number in range(4):
            await _owe(ledger, f"old {number}", due_s=number, received_s=number)
        for number in range(50, 54):
            await _owe(ledger, f"new {number}", due_s=number, received_s=number)
        assert await _claim(ledger, limit=5, fresh=2, fresh_since_s=50) == [
            "new 53",
            "new 52",
            "old 0",
            "old 1",
            "old 2",
        ]
        assert await _claim(ledger, limit=5, fresh=2, fresh_since_s=50) == ["new 51", "new 50", "old 3"]

    async def test_fresh_means_received_at_or_after_that_time(self, ledger: Ledger) -> None:
        await _owe(ledger, "just before", due_s=0, received_s=49)
        await _owe(ledger, "exactly", due_s=1, received_s=50)
        await _owe(ledger, "after", due_s=2, received_s=51)
        assert await _claim(ledger, limit=9, fresh=9, fresh_since_s=50) == ["after", "exactly", "just before"]

    async def test_the_fresh_share_stays_within_the_limit(self, ledger: Ledger) -> None:
        for number in range(4):
            await _owe(ledger, f"{number}", due_s=number, received_s=number)
        assert await _claim(ledger, limit=2, fresh=5, fresh_since_s=0) == ["3", "2"]
        assert await _claim(ledger, limit=0, fresh=5, fresh_since_s=0) == []

    async def test_a_lead_has_one_delivery_of_a_sync_under_way(self, ledger: Ledger) -> None:
        await absorb_lead(ledger, "a")
        [first] = await claim(ledger, now=START)
        await absorb_lead(ledger, "a", 2, when=at(1))
        assert await claim(ledger, now=at(2)) == []
        await ledger.deliveries.settle([delivered(first)], at(3))
        assert [claimed.delivery.version for claimed in await claim(ledger, now=at(4))] == [2]

    async def test_two_records_of_a_lead_are_not_claimed_together(self, ledger: Ledger) -> None:
        for version in (1, 2, 3):
            owed = an_owed("a", version, grain="record", not_before=at(version), received_at=at(version))
            await absorb_lead(ledger, "a", version, owed=[owed])
        await _owe(ledger, "b", due_s=9, received_s=9)
        assert await _claim(ledger, limit=9, fresh=0, fresh_since_s=0) == ["a", "b"]
        assert await _claim(ledger, limit=9, fresh=0, fresh_since_s=0) == []
        [row] = await ledger.delivery_book.page(DeliveryFilter(state="leased", lead_id="a"), None, 9)
        assert row.version == 1

    async def test_a_skipped_delivery_takes_nobodys_place(self, ledger: Ledger) -> None:
        for version in (1, 2, 3):
            owed = an_owed("a", version, grain="record", not_before=at(version), received_at=at(50 + version))
            await absorb_lead(ledger, "a", version, owed=[owed])
        await _owe(ledger, "b", due_s=8, received_s=50)
        await _owe(ledger, "c", due_s=9, received_s=1)
        assert await _claim(ledger, limit=3, fresh=2, fresh_since_s=50) == ["a", "b", "c"]

    async def test_another_sync_to_the_same_destination_does_not_wait(self, ledger: Ledger) -> None:
        owed = [an_owed("a"), an_owed("a", sync="second", destination="crm")]
        await absorb_lead(ledger, "a", owed=owed)
        assert len(await claim(ledger, now=START)) == 2

    async def test_epochs_grow_with_every_claim(self, ledger: Ledger) -> None:
        await absorb_lead(ledger, "a")
        epochs = []
        for step in range(3):
            [claimed] = await claim(ledger, now=at(step))
            epochs.append(claimed.delivery.epoch)
            await ledger.deliveries.settle([waits(claimed, at(step))], at(step))
        assert epochs == sorted(set(epochs))

    async def test_the_document_is_that_of_the_owed_version(self, ledger: Ledger) -> None:
        await absorb_lead(ledger, "a")
        await absorb_lead(ledger, "a", 2, owed=[])
        [claimed] = await claim(ledger, now=START)
        assert msgspec.json.decode(claimed.document) == {"id": "a", "version": 1}

    async def test_only_the_first_delivery_of_a_sync_and_lead_is_first(self, ledger: Ledger) -> None:
        await absorb_lead(ledger, "a", owed=[an_owed("a"), an_owed("a", sync="chat")])
        [first] = await claim(ledger, now=START)
        await ledger.deliveries.settle([waits(first, START)], START)
        [again] = await claim(ledger, now=START)
        assert again.is_first is True
        await ledger.deliveries.settle([delivered(again)], at(1))
        await absorb_lead(ledger, "a", 2, when=at(2))
        [second] = await claim(ledger, now=at(2))
        assert second.is_first is False
        [chat] = await claim(ledger, now=at(2), destination="chat")
        assert chat.is_first is True

    async def test_a_dead_letter_does_not_make_the_next_version_second(self, ledger: Ledger) -> None:
        await absorb_lead(ledger, "a")
        [first] = await claim(ledger, now=START)
        await ledger.deliveries.settle([dead(first)], START)
        await absorb_lead(ledger, "a", 2)
        [second] = await claim(ledger, now=START)
        assert second.is_first is True

    async def test_a_replayed_delivery_is_not_first(self, ledger: Ledger) -> None:
        await absorb_lead(ledger, "a")
        [first] = await claim(ledger, now=START)
        await ledger.deliveries.settle([delivered(first)], START)
        await ledger.delivery_book.replay(DeliveryFilter(), at(1), dry_run=False)
        [again] = await claim(ledger, now=at(1))
        assert again.is_first is False

    async def test_next_due_is_the_earliest_pending_one(self, ledger: Ledger) -> None:
        assert await ledger.deliveries.next_due("crm") is None
        await _owe(ledger, "a", due_s=7, received_s=0)
        await _owe(ledger, "b", due_s=5, received_s=0)
        await _owe(ledger, "c", due_s=1, received_s=0, state="dead")
        await _owe(ledger, "d", due_s=1, received_s=0, sync="chat")
        assert await ledger.deliveries.next_due("crm") == at(5)
        assert await _claim(ledger, limit=1, fresh=0, fresh_since_s=0, now_s=5) == ["b"]
        assert await ledger.deliveries.next_due("crm") == at(7)
        assert await _claim(ledger, limit=1, fresh=0, fresh_since_s=0, now_s=7) == ["a"]
        assert await ledger.deliveries.next_due("crm") is None

    async def test_hastened_deliveries_are_due_now(self, ledger: Ledger) -> None:
        await absorb_lead(ledger, "a")
        await absorb_lead(ledger, "b")
        await absorb_lead(ledger, "c", owed=[an_owed("c", sync="chat")])
        for destination in ("crm", "chat"):
            for claimed in await claim(ledger, now=START, destination=destination):
                await ledger.deliveries.settle([waits(claimed, at(3600))], at(1))
        await absorb_lead(ledger, "d")
        assert await ledger.deliveries.hasten("crm", at(5)) == 2
        assert await ledger.deliveries.hasten("crm", at(5)) == 0
        assert await ledger.deliveries.next_due("chat") == at(3600)
        due = await claim(ledger, now=at(5))
        assert due[0].delivery.lead_id == "d"
        assert sorted(claimed.delivery.lead_id for claimed in due) == ["a", "b", "d"]
        assert [claimed.delivery.attempts for claimed in due if claimed.delivery.lead_id == "a"] == [1]
