"""The delivery book's contract."""

from collections.abc import Callable
from typing import Any

import pytest

from leadwire.model.delivery import ClaimedDelivery, Settlement
from leadwire.model.pull import Pause
from leadwire.ports.delivery_queue import DeliveryFilter, LaneTally
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


async def _end(
    ledger: Ledger, settle: Callable[[ClaimedDelivery], Settlement], *lead_ids: str, at_s: float = 0
) -> None:
    """Makes the first version of each lead end this way."""
    for lead_id in lead_ids:
        await absorb_lead(ledger, lead_id)
        [claimed] = await claim(ledger, now=START)
        await ledger.deliveries.settle([settle(claimed)], at(at_s))


async def _ids(ledger: Ledger, after: str | None = None, limit: int = 100, **which: Any) -> list[str]:
    return [row.id for row in await ledger.delivery_book.page(DeliveryFilter(**which), after, limit)]


async def _states(ledger: Ledger) -> dict[str, str]:
    return {row.id: row.state for row in await ledger.delivery_book.page(DeliveryFilter(), None, 100)}


class DeliveryBookContract:
    async def test_a_page_goes_from_new_to_old_by_owed_at_then_id(self, ledger: Ledger) -> None:
        for lead_id, owed_s in (("b", 1), ("a", 2), ("d", 1), ("c", 3)):
            await absorb_lead(ledger, lead_id, when=at(owed_s))
        assert await _ids(ledger) == ["c_1_crm", "a_1_crm", "d_1_crm", "b_1_crm"]
        assert await _ids(ledger, None, 2) == ["c_1_crm", "a_1_crm"]
        assert await _ids(ledger, "a_1_crm", 1) == ["d_1_crm"]
        assert await _ids(ledger, "d_1_crm", 5) == ["b_1_crm"]
        assert await _ids(ledger, "b_1_crm", 5) == []

    async def test_pages_stay_in_step_while_deliveries_come_in(self, ledger: Ledger) -> None:
        for number in range(4):
            await absorb_lead(ledger, f"l{number}", when=at(number))
        first = await _ids(ledger, None, 2)
        await absorb_lead(ledger, "l9", when=at(9))
        assert first + await _ids(ledger, first[-1], 2) == ["l3_1_crm", "l2_1_crm", "l1_1_crm", "l0_1_crm"]

    async def test_every_given_field_must_match(self, ledger: Ledger) -> None:
        owed = [an_owed("a"), an_owed("a", sync="second", destination="crm"), an_owed("a", sync="chat")]
        await absorb_lead(ledger, "a", owed=owed)
        await absorb_lead(ledger, "b", owed=[an_owed("b", state="dead")])
        assert await _ids(ledger, destination="crm") == ["b_1_crm", "a_1_second", "a_1_crm"]
        assert await _ids(ledger, sync="second") == ["a_1_second"]
        assert await _ids(ledger, lead_id="b") == ["b_1_crm"]
        assert await _ids(ledger, state="dead") == ["b_1_crm"]
        assert await _ids(ledger, ids=["a_1_chat", "b_1_crm", "unknown"]) == ["b_1_crm", "a_1_chat"]
        assert await _ids(ledger, ids=["a_1_chat", "b_1_crm"], destination="crm", state="pending") == []
        assert await _ids(ledger, destination="crm", lead_id="a", sync="crm", state="pending") == ["a_1_crm"]

    async def test_no_ids_match_nothing(self, ledger: Ledger) -> None:
        await _end(ledger, dead, "a")
        assert await _ids(ledger, ids=[]) == []
        assert await ledger.delivery_book.replay(DeliveryFilter(ids=[]), at(1), dry_run=False) == 0
        assert await ledger.delivery_book.drop(DeliveryFilter(ids=[]), "x", at(1)) == 0
        assert await _states(ledger) == {"a_1_crm": "dead"}

    async def test_a_thousand_ids_can_be_asked_at_once(self, ledger: Ledger) -> None:
        await absorb_lead(ledger, "a")
        ids = [f"x{number}" for number in range(1_000)]
        assert await _ids(ledger, ids=[*ids, "a_1_crm"]) == ["a_1_crm"]
        assert list(await ledger.delivery_book.attempts(ids)) == []

    async def test_attempts_come_in_their_order(self, ledger: Ledger) -> None:
        await absorb_lead(ledger, "a")
        await absorb_lead(ledger, "b")
        for step in range(12):
            claimed = await claim(ledger, now=at(step))
            await ledger.deliveries.settle([waits(one, at(step)) for one in claimed], at(step))
        tries = await ledger.delivery_book.attempts(["b_1_crm", "a_1_crm", "unknown"])
        assert len(tries) == 24
        for delivery_id in ("a_1_crm", "b_1_crm"):
            assert [one.number for one in tries if one.delivery_id == delivery_id] == list(range(1, 13))

    @pytest.mark.parametrize("ends", [dead, delivered])
    async def test_a_replayed_one_is_due_now_under_its_old_key_from_attempt_one(
        self, ledger: Ledger, ends: Callable[[ClaimedDelivery], Settlement]
    ) -> None:
        await _end(ledger, ends, "a")
        assert await ledger.delivery_book.replay(DeliveryFilter(), at(9), dry_run=False) == 1
        [row] = await ledger.delivery_book.page(DeliveryFilter(), None, 9)
        assert (row.id, row.state, row.attempts, row.not_before) == ("a_1_crm", "pending", 0, at(9))
        [again] = await claim(ledger, now=at(9))
        assert again.delivery.epoch > 1
        await ledger.deliveries.settle([delivered(again)], at(10))
        tries = await ledger.delivery_book.attempts(["a_1_crm"])
        assert [one.number for one in tries] == [1, 1]
        assert [one.started_at for one in tries] == [START, at(9)]

    async def test_a_dry_run_counts_and_changes_nothing(self, ledger: Ledger) -> None:
        await _end(ledger, dead, "a", "b")
        await _end(ledger, delivered, "c")
        before = await ledger.delivery_book.page(DeliveryFilter(), None, 9)
        assert await ledger.delivery_book.replay(DeliveryFilter(), at(9), dry_run=True) == 3
        assert await ledger.delivery_book.replay(DeliveryFilter(state="dead"), at(9), dry_run=True) == 2
        assert await ledger.delivery_book.page(DeliveryFilter(), None, 9) == before

    async def test_only_what_the_filter_names_is_replayed(self, ledger: Ledger) -> None:
        await _end(ledger, dead, "a", "b")
        await _end(ledger, delivered, "c")
        assert await ledger.delivery_book.replay(DeliveryFilter(ids=["a_1_crm"]), at(9), dry_run=False) == 1
        assert await ledger.delivery_book.replay(DeliveryFilter(destination="chat"), at(9), dry_run=False) == 0
        assert await ledger.delivery_book.replay(DeliveryFilter(state="pending"), at(9), dry_run=False) == 0
        assert await _states(ledger) == {"a_1_crm": "pending", "b_1_crm": "dead", "c_1_crm": "delivered"}

    async def test_what_waits_or_is_under_way_or_was_given_up_is_not_replayed(self, ledger: Ledger) -> None:
        await absorb_lead(ledger, "leased")
        await claim(ledger, now=START)
        await absorb_lead(ledger, "pending")
        await absorb_lead(ledger, "dropped", owed=[an_owed("dropped", state="dead")])
        await ledger.delivery_book.drop(DeliveryFilter(), "x", START)
        before = await _states(ledger)
        assert await ledger.delivery_book.replay(DeliveryFilter(), at(9), dry_run=False) == 0
        assert await _states(ledger) == before

    async def test_an_old_dead_one_is_superseded_where_a_newer_version_exists(self, ledger: Ledger) -> None:
        await _end(ledger, dead, "a")
        await absorb_lead(ledger, "a", 2)
        [second] = await claim(ledger, now=START)
        await ledger.deliveries.settle([dead(second)], START)
        assert await ledger.delivery_book.replay(DeliveryFilter(state="dead"), at(9), dry_run=True) == 1
        assert await ledger.delivery_book.replay(DeliveryFilter(state="dead"), at(9), dry_run=False) == 1
        assert await _states(ledger) == {"a_1_crm": "superseded", "a_2_crm": "pending"}

    async def test_an_old_delivered_one_never_overwrites_a_newer_version(self, ledger: Ledger) -> None:
        await _end(ledger, delivered, "a")
        await absorb_lead(ledger, "a", 2)
        [second] = await claim(ledger, now=START)
        await ledger.deliveries.settle([delivered(second)], START)
        assert await ledger.delivery_book.replay(DeliveryFilter(ids=["a_1_crm"]), at(9), dry_run=False) == 0
        assert await _states(ledger) == {"a_1_crm": "delivered", "a_2_crm": "delivered"}

    async def test_every_record_of_a_lead_is_replayed(self, ledger: Ledger) -> None:
        for version in (1, 2):
            await absorb_lead(ledger, "a", version, owed=[an_owed("a", version, grain="record", state="dead")])
        assert await ledger.delivery_book.replay(DeliveryFilter(), at(9), dry_run=False) == 2
        assert await _states(ledger) == {"a_1_crm": "pending", "a_2_crm": "pending"}

    async def test_a_dropped_dead_letter_is_cancelled_with_the_reason(self, ledger: Ledger) -> None:
        await _end(ledger, dead, "a", "b")
        await _end(ledger, delivered, "c")
        assert await ledger.delivery_book.drop(DeliveryFilter(lead_id="a"), "a duplicate", at(9)) == 1
        assert await ledger.delivery_book.drop(DeliveryFilter(lead_id="c"), "x", at(9)) == 0
        assert await _states(ledger) == {"a_1_crm": "cancelled", "b_1_crm": "dead", "c_1_crm": "delivered"}
        [row] = await ledger.delivery_book.page(DeliveryFilter(state="cancelled"), None, 9)
        assert (row.reason, row.updated_at) == ("a duplicate", at(9))

    async def test_a_tally_counts_whatever_is_owed(self, ledger: Ledger) -> None:
        await _end(ledger, delivered, "a", at_s=3)
        await _end(ledger, delivered, "b", at_s=5)
        await _end(ledger, dead, "c", "d")
        await absorb_lead(ledger, "leased", when=at(10))
        [leased] = await claim(ledger, now=at(10))
        await absorb_lead(ledger, "later", when=at(11), owed=[an_owed("later", owed_at=at(11), not_before=at(999))])
        await absorb_lead(ledger, "now", when=at(12))
        await absorb_lead(ledger, "chatty", when=at(13), owed=[an_owed("chatty", sync="chat", owed_at=at(13))])
        await absorb_lead(ledger, "now", 2, when=at(14))
        tallies = {tally.destination: tally for tally in await ledger.delivery_book.tally(at(20))}
        assert tallies == {
            "crm": LaneTally(destination="crm", due=3, oldest_due_at=at(10), dead=2, last_delivered_at=at(5)),
            "chat": LaneTally(destination="chat", due=1, oldest_due_at=at(13)),
        }
        await ledger.deliveries.settle([delivered(leased)], at(21))
        [chat, crm] = sorted(await ledger.delivery_book.tally(at(22)), key=lambda tally: tally.destination)
        assert (chat.due, crm.due, crm.oldest_due_at, crm.last_delivered_at) == (1, 2, at(11), at(21))

    async def test_a_lane_whose_deliveries_were_pruned_is_still_told(self, ledger: Ledger) -> None:
        await _end(ledger, dead, "a")
        await ledger.delivery_book.drop(DeliveryFilter(), "x", START)
        await ledger.delivery_book.prune(at(1), 10)
        assert list(await ledger.delivery_book.tally(at(2))) == [LaneTally(destination="crm")]

    async def test_a_paused_lane_is_counted_like_any_other(self, ledger: Ledger) -> None:
        await absorb_lead(ledger, "a", when=at(1))
        before = await ledger.delivery_book.tally(at(9))
        pause = Pause(subject="destination:crm", cause="auth", reason="401", paused_at=at(2))
        await ledger.pauses.pause(pause)
        assert list(await ledger.delivery_book.tally(at(9))) == list(before)
        assert [(tally.due, tally.oldest_due_at) for tally in before] == [(1, at(1))]

    async def test_pruning_deletes_old_superseded_and_cancelled_ones_with_their_attempts(self, ledger: Ledger) -> None:
        await _end(ledger, dead, "dropped", "dead")
        await _end(ledger, delivered, "delivered")
        await ledger.delivery_book.drop(DeliveryFilter(lead_id="dropped"), "x", at(5))
        await absorb_lead(ledger, "a")
        await absorb_lead(ledger, "a", 2, when=at(6))
        await absorb_lead(ledger, "a", 3, when=at(10))
        assert await ledger.delivery_book.prune(at(10), 1) == 1
        assert await ledger.delivery_book.prune(at(10), 9) == 1
        assert await ledger.delivery_book.prune(at(10), 9) == 0
        assert await _states(ledger) == {
            "dead_1_crm": "dead",
            "delivered_1_crm": "delivered",
            "a_2_crm": "superseded",
            "a_3_crm": "pending",
        }
        assert list(await ledger.delivery_book.attempts(["dropped_1_crm"])) == []
        assert len(await ledger.delivery_book.attempts(["dead_1_crm"])) == 1
