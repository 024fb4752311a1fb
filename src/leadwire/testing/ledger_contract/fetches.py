"""The fetch queue's contract."""

import asyncio
from collections.abc import Sequence
from typing import Any, Literal

from leadwire.model.pull import FetchSettlement, OwedFetch
from leadwire.model.times import Instant
from leadwire.ports.fetch_queue import FetchClaim
from leadwire.ports.lead_book import Absorption, FetchDone
from leadwire.ports.ledger import Ledger
from leadwire.testing.ledger_contract.samples import START, Reopen, a_fetch, at


async def _owe(ledger: Ledger, *fetches: OwedFetch) -> None:
    await ledger.leads.absorb(Absorption(fetches=fetches), START)


async def _claim(
    ledger: Ledger, now: Instant = START, *, limit: int = 100, source: str = "meta", paused: Sequence[str] = ()
) -> list[OwedFetch]:
    asked = FetchClaim(
        source=source, limit=limit, now=now, lease_until=now + 60_000_000, owner="one", paused_scopes=paused
    )
    return list(await ledger.fetches.claim(asked))


def _settlement(
    fetch: OwedFetch, until: Instant, state: Literal["pending", "parked"] = "pending", **changes: Any
) -> FetchSettlement:
    given = {"source": fetch.source, "native_id": fetch.native_id, "epoch": fetch.epoch, "reason": "100/33"}
    return FetchSettlement(**{**given, "state": state, "not_before": until, **changes})


async def _page(ledger: Ledger, **which: Any) -> list[str]:
    asked = {"state": None, "source": None, "after": None, "limit": 100, **which}
    return [fetch.native_id for fetch in await ledger.fetches.page(**asked)]


async def _only(ledger: Ledger) -> OwedFetch:
    [fetch] = await ledger.fetches.page(None, None, None, 10)
    return fetch


class FetchQueueContract:
    async def test_a_claimed_fetch_is_leased_with_all_that_was_told(self, ledger: Ledger) -> None:
        await _owe(ledger, a_fetch("f1", occurred_at=at(-5), context={"form": "é"}, event_sequence=3))
        [fetch] = await _claim(ledger, at(2))
        assert (fetch.source, fetch.native_id, fetch.scope, fetch.received_at) == ("meta", "f1", "page 1", START)
        assert (fetch.occurred_at, fetch.context, fetch.event_sequence) == (at(-5), {"form": "é"}, 3)
        assert (fetch.state, fetch.epoch, fetch.attempts) == ("leased", 1, 0)
        assert await _page(ledger, state="leased") == ["f1"]
        assert await _claim(ledger, at(2)) == []

    async def test_a_stored_fetch_can_not_be_reached_from_outside(self, ledger: Ledger) -> None:
        fetch = a_fetch("f1", context={"form": "1"})
        await _owe(ledger, fetch)
        fetch.context["form"] = "changed by the giver"
        (await _only(ledger)).context["form"] = "changed by a reader"
        [claimed] = await _claim(ledger)
        claimed.context["form"] = "changed by the owner"
        assert (await _only(ledger)).context == {"form": "1"}

    async def test_a_claim_takes_the_oldest_due_ones_of_its_source(self, ledger: Ledger) -> None:
        for native_id, when_s in (("b", 2), ("a", 1), ("c", 3), ("later", 50)):
            await _owe(ledger, a_fetch(native_id, received_at=at(when_s), not_before=at(when_s)))
        await _owe(ledger, a_fetch("other", source="site"))
        assert [fetch.native_id for fetch in await _claim(ledger, at(10), limit=2)] == ["a", "b"]
        assert [fetch.native_id for fetch in await _claim(ledger, at(10))] == ["c"]
        assert [fetch.native_id for fetch in await _claim(ledger, at(50))] == ["later"]

    async def test_paused_scopes_are_left_waiting_and_take_nobodys_place(self, ledger: Ledger) -> None:
        for number, scope in enumerate(("page 1", "page 1", "page 2", "page 3")):
            when = at(number)
            await _owe(ledger, a_fetch(f"f{number}", scope=scope, received_at=when, not_before=when))
        claimed = await _claim(ledger, at(9), limit=1, paused=["page 1", "page 3"])
        assert [fetch.native_id for fetch in claimed] == ["f2"]
        assert [fetch.native_id for fetch in await _claim(ledger, at(9))] == ["f0", "f1", "f3"]

    async def test_of_twenty_claims_at_once_each_fetch_goes_to_one(self, ledger: Ledger) -> None:
        await _owe(ledger, *[a_fetch(f"f{number}") for number in range(10)])
        claims = await asyncio.gather(*[_claim(ledger, limit=1) for _ in range(20)])
        taken = [fetch.native_id for one in claims for fetch in one]
        assert sorted(taken) == [f"f{number}" for number in range(10)]

    async def test_a_parked_fetch_is_not_claimed(self, ledger: Ledger) -> None:
        await _owe(ledger, a_fetch("f1", state="parked", reason="no token for page 1"))
        assert await _claim(ledger) == []
        assert await ledger.fetches.next_due("meta") is None
        assert (await _only(ledger)).reason == "no token for page 1"

    async def test_a_settled_fetch_waits_until_its_time(self, ledger: Ledger) -> None:
        await _owe(ledger, a_fetch("f1"))
        [fetch] = await _claim(ledger)
        assert await ledger.fetches.settle([_settlement(fetch, at(30))], at(1)) == 0
        after = await _only(ledger)
        assert (after.state, after.not_before, after.attempts, after.reason) == ("pending", at(30), 1, "100/33")
        assert after.updated_at == at(1)
        assert await _claim(ledger, at(29)) == []
        [again] = await _claim(ledger, at(30))
        assert again.epoch > fetch.epoch

    async def test_a_fetch_that_could_not_be_tried_counts_no_attempt(self, ledger: Ledger) -> None:
        await _owe(ledger, a_fetch("f1"))
        [fetch] = await _claim(ledger)
        await ledger.fetches.settle([_settlement(fetch, at(30), counts=False)], at(1))
        assert (await _only(ledger)).attempts == 0

    async def test_a_parked_fetch_tells_why(self, ledger: Ledger) -> None:
        await _owe(ledger, a_fetch("f1"))
        [fetch] = await _claim(ledger)
        await ledger.fetches.settle([_settlement(fetch, at(1), "parked", reason="no permission")], at(1))
        after = await _only(ledger)
        assert (after.state, after.reason) == ("parked", "no permission")
        assert await _claim(ledger, at(99)) == []

    async def test_an_old_epoch_is_refused_and_leaves_no_trace(self, ledger: Ledger) -> None:
        await _owe(ledger, a_fetch("f1"), a_fetch("f2"))
        [old, _] = await _claim(ledger)
        await ledger.fetches.rescue(at(61), owner_is_alone=False)
        settlement = _settlement(old, at(99), "parked")
        assert await ledger.fetches.settle([settlement], at(61)) == 1
        [new, other] = await _claim(ledger, at(61))
        assert await ledger.fetches.settle([settlement, _settlement(other, at(70))], at(62)) == 1
        assert await _page(ledger, state="leased") == [new.native_id]
        assert await _page(ledger, state="parked") == []

    async def test_an_old_epoch_does_not_hide_the_current_one_of_the_same_batch(self, ledger: Ledger) -> None:
        await _owe(ledger, a_fetch("f1"))
        [old] = await _claim(ledger)
        await ledger.fetches.rescue(at(61), owner_is_alone=False)
        [new] = await _claim(ledger, at(61))
        settlements = [_settlement(old, at(99), "parked"), _settlement(new, at(70))]
        assert await ledger.fetches.settle(settlements, at(62)) == 1
        assert (await _only(ledger)).state == "pending"

    async def test_a_lease_ends_once(self, ledger: Ledger) -> None:
        await _owe(ledger, a_fetch("f1"))
        [fetch] = await _claim(ledger)
        settlement = _settlement(fetch, at(1))
        assert await ledger.fetches.settle([settlement, _settlement(fetch, at(1), "parked")], at(1)) == 1
        assert await ledger.fetches.settle([settlement], at(1)) == 1
        after = await _only(ledger)
        assert (after.attempts, after.state) == (1, "pending")

    async def test_a_fetch_that_brought_its_record_can_not_be_settled(self, ledger: Ledger) -> None:
        await _owe(ledger, a_fetch("f1"))
        [fetch] = await _claim(ledger)
        await ledger.leads.absorb(Absorption(fetched=[FetchDone(source="meta", native_id="f1")]), at(1))
        assert await ledger.fetches.settle([_settlement(fetch, at(9))], at(2)) == 1
        assert (await _only(ledger)).state == "done"

    async def test_leases_that_ran_out_are_taken_back_and_others_are_not(self, ledger: Ledger) -> None:
        await _owe(ledger, a_fetch("f1"), a_fetch("f2", not_before=at(30)))
        await _claim(ledger)
        await _claim(ledger, at(30))
        assert await ledger.fetches.rescue(at(59), owner_is_alone=False) == 0
        assert await ledger.fetches.rescue(at(61), owner_is_alone=False) == 1
        assert [fetch.native_id for fetch in await _claim(ledger, at(61))] == ["f1"]

    async def test_a_lonely_owner_takes_all_leases_back_at_once(self, ledger: Ledger) -> None:
        await _owe(ledger, a_fetch("f1"), a_fetch("f2", source="site"))
        [fetch] = await _claim(ledger)
        await _claim(ledger, source="site")
        assert await ledger.fetches.rescue(at(1), owner_is_alone=True) == 2
        assert await ledger.fetches.rescue(at(1), owner_is_alone=True) == 0
        [again] = await _claim(ledger, at(1))
        assert again.epoch > fetch.epoch

    async def test_parked_fetches_are_requeued_by_id_or_by_scope(self, ledger: Ledger) -> None:
        parked = {"f1": "page 1", "f2": "page 2", "f3": "page 3", "f4": "page 2"}
        await _owe(ledger, *[a_fetch(one, scope=scope, state="parked") for one, scope in parked.items()])
        await _owe(ledger, a_fetch("f1", source="site", state="parked"), a_fetch("f5", not_before=at(99)))
        assert await ledger.fetches.requeue("meta", ["f1", "f5", "unknown"], ["page 2"], at(5)) == 3
        assert sorted(fetch.native_id for fetch in await _claim(ledger, at(5))) == ["f1", "f2", "f4"]
        assert sorted(await _page(ledger, state="parked")) == ["f1", "f3"]
        assert await ledger.fetches.requeue("meta", [], [], at(5)) == 0

    async def test_pending_fetches_of_a_scope_are_hastened_and_no_others(self, ledger: Ledger) -> None:
        waiting = {"f1": "page 1", "f2": "page 2", "f3": "page 2"}
        await _owe(ledger, *[a_fetch(one, scope=scope, not_before=at(99)) for one, scope in waiting.items()])
        await _owe(ledger, a_fetch("f4", scope="page 2", state="parked"))
        await _owe(ledger, a_fetch("f5", scope="page 2", source="site", not_before=at(99)))
        assert await ledger.fetches.hasten("meta", ["page 2", "page 9"], at(5)) == 2
        assert await ledger.fetches.hasten("meta", ["page 2"], at(5)) == 0
        assert sorted(fetch.native_id for fetch in await _claim(ledger, at(5))) == ["f2", "f3"]
        assert await _page(ledger, state="parked") == ["f4"]
        assert await ledger.fetches.hasten("meta", ["*"], at(6)) == 1
        assert [fetch.native_id for fetch in await _claim(ledger, at(6))] == ["f1"]
        assert await _claim(ledger, at(6), source="site") == []

    async def test_a_page_goes_from_new_to_old_by_state_and_source(self, ledger: Ledger) -> None:
        for number in range(4):
            await _owe(ledger, a_fetch(f"f{number}", received_at=at(number)))
        await _owe(ledger, a_fetch("g", source="site", received_at=at(9), state="parked"))
        assert await _page(ledger) == ["g", "f3", "f2", "f1", "f0"]
        assert await _page(ledger, source="meta", limit=2) == ["f3", "f2"]
        assert await _page(ledger, state="parked") == ["g"]
        assert await _page(ledger, state="parked", source="meta") == []

    async def test_pages_stay_in_step_while_fetches_come_in(self, ledger: Ledger) -> None:
        for number in range(4):
            await _owe(ledger, a_fetch(f"a/{number}", received_at=at(number)))
        assert await _page(ledger, limit=2) == ["a/3", "a/2"]
        await _owe(ledger, a_fetch("a/9", received_at=at(9)))
        assert await _page(ledger, limit=2, after="meta/a/2") == ["a/1", "a/0"]
        assert await _page(ledger, limit=2, after="meta/a/0") == []

    async def test_next_due_is_the_earliest_pending_one_of_a_source(self, ledger: Ledger) -> None:
        assert await ledger.fetches.next_due("meta") is None
        await _owe(ledger, a_fetch("f1", not_before=at(7)), a_fetch("f2", not_before=at(5)))
        await _owe(ledger, a_fetch("g", source="site", not_before=at(1)))
        assert await ledger.fetches.next_due("meta") == at(5)
        await _claim(ledger, at(5))
        assert await ledger.fetches.next_due("meta") == at(7)

    async def test_a_tally_tells_how_each_source_stands(self, ledger: Ledger) -> None:
        for number in range(3):
            when = at(number)
            await _owe(ledger, a_fetch(f"f{number}", received_at=when, not_before=when))
        await _owe(ledger, a_fetch("p", state="parked"), a_fetch("d"), a_fetch("q", source="site", state="parked"))
        await ledger.leads.absorb(Absorption(fetched=[FetchDone(source="meta", native_id="d")]), START)
        tallies = {tally.source: tally for tally in await ledger.fetches.tally(at(9))}
        assert {name: (tally.due, tally.oldest_due_at, tally.parked) for name, tally in tallies.items()} == {
            "meta": (3, START, 1),
            "site": (0, None, 1),
        }

    async def test_fetches_outlive_the_process(self, ledger: Ledger, reopen: Reopen) -> None:
        await _owe(ledger, a_fetch("f1"), a_fetch("f2", not_before=at(5)))
        [fetch] = await _claim(ledger)
        other = await reopen()
        assert [one.native_id for one in await _claim(other, at(5))] == ["f2"]
        assert await other.fetches.settle([_settlement(fetch, at(9))], at(6)) == 0
