"""What the memory ledger does beyond the contract: crashes at a commit, and restarts on the same state."""

import pytest

from leadwire.model.errors import StorageFailed, StoreBusy
from leadwire.ports.delivery_queue import DeliveryFilter
from leadwire.ports.lead_book import Absorption, LeadChange
from leadwire.store.memory import MemoryLedger, MemoryState
from leadwire.testing.ledger_contract.samples import (
    START,
    a_lead,
    absorb_lead,
    an_event,
    at,
    claim,
    delivered,
    lead_absorption,
)


class PowerCut(BaseException):
    """Ends a simulated process."""


class Striking:
    """A hook that notes every verb and ends the process at the n-th."""

    def __init__(self, at_commit: int | None = None) -> None:
        self.verbs: list[str] = []
        self._at_commit = at_commit

    def __call__(self, verb: str) -> None:
        self.verbs.append(verb)
        if len(self.verbs) == self._at_commit:
            raise PowerCut


async def test_every_commit_is_told_before_and_after_by_its_verb() -> None:
    before, after = Striking(), Striking()
    ledger = MemoryLedger(before_commit=before, after_commit=after)
    await ledger.events.append([an_event(1)], START)
    await absorb_lead(ledger, "a")
    [claimed] = await claim(ledger, now=START)
    await ledger.deliveries.settle([delivered(claimed)], at(1))
    await ledger.desk.claim("a", "asha", at(2))
    await ledger.leads.erase("a", at(3))
    expected = ["events.append", "leads.absorb", "deliveries.claim", "deliveries.settle", "desk.claim", "leads.erase"]
    assert before.verbs == after.verbs == expected
    assert (await ledger.health(at(4))).commits == len(expected)


async def test_what_finds_nothing_to_change_commits_nothing() -> None:
    hook = Striking()
    ledger = MemoryLedger(before_commit=hook)
    await ledger.events.append([], START)
    assert await claim(ledger, now=START) == []
    await ledger.deliveries.rescue(START, owner_is_alone=True)
    await ledger.delivery_book.replay(DeliveryFilter(), START, dry_run=False)
    await ledger.leads.erase("a", START)
    await ledger.desk.open("a", START)
    assert hook.verbs == []


async def test_a_dry_run_commits_nothing() -> None:
    ledger = MemoryLedger(before_commit=(hook := Striking()))
    await absorb_lead(ledger, "a")
    [claimed] = await claim(ledger, now=START)
    await ledger.deliveries.settle([delivered(claimed)], START)
    told = list(hook.verbs)
    assert await ledger.delivery_book.replay(DeliveryFilter(), START, dry_run=True) == 1
    assert hook.verbs == told


async def test_a_refused_absorption_commits_nothing() -> None:
    ledger = MemoryLedger(before_commit=(hook := Striking()))
    stale = LeadChange(lead=a_lead("a", 2), previous_version=1)
    with pytest.raises(StoreBusy):
        await ledger.leads.absorb(Absorption(leads=[stale]), START)
    assert hook.verbs == []


async def test_a_crash_before_a_commit_leaves_the_state_as_it_was() -> None:
    state = MemoryState()
    ledger = MemoryLedger(state, before_commit=Striking(at_commit=2))
    await absorb_lead(ledger, "a")
    with pytest.raises(PowerCut):
        await ledger.leads.absorb(lead_absorption("b"), START)
    again = MemoryLedger(state)
    assert await again.leads.lead("a") is not None
    assert await again.leads.lead("b") is None
    assert [claimed.delivery.lead_id for claimed in await claim(again, now=START)] == ["a"]


async def test_a_crash_after_a_commit_keeps_all_of_it() -> None:
    state = MemoryState()
    ledger = MemoryLedger(state, after_commit=Striking(at_commit=1))
    with pytest.raises(PowerCut):
        await ledger.leads.absorb(lead_absorption("a"), START)
    again = MemoryLedger(state)
    assert len(await again.leads.records("a")) == 1
    assert [claimed.delivery.lead_id for claimed in await claim(again, now=START)] == ["a"]


async def test_a_crashed_process_stores_nothing_more() -> None:
    state = MemoryState()
    ledger = MemoryLedger(state, after_commit=Striking(at_commit=1))
    with pytest.raises(PowerCut):
        await ledger.leads.absorb(lead_absorption("a"), START)
    with pytest.raises(StorageFailed):
        await ledger.leads.absorb(lead_absorption("b"), START)
    assert await MemoryLedger(state).leads.lead("b") is None
    health = await ledger.health(START)
    assert health.writable is False
    assert health.reason is not None


async def test_a_closed_ledger_stores_nothing_more_and_its_state_goes_on() -> None:
    state = MemoryState()
    ledger = MemoryLedger(state)
    await absorb_lead(ledger, "a")
    await ledger.close()
    with pytest.raises(StorageFailed):
        await ledger.events.append([an_event(1)], START)
    again = MemoryLedger(state)
    await absorb_lead(again, "a", 2)
    assert len(await again.leads.records("a")) == 2


async def test_two_new_ledgers_share_nothing() -> None:
    one, other = MemoryLedger(), MemoryLedger()
    await absorb_lead(one, "a")
    assert await other.leads.lead("a") is None
