"""The sales desk's contract."""

import asyncio
from typing import Any

import msgspec

from leadwire.model.lead import DeskEntry
from leadwire.ports.desk import DeskQuery
from leadwire.ports.lead_book import Absorption, LeadChange, RecordChange
from leadwire.ports.ledger import Ledger
from leadwire.testing.ledger_contract.samples import Reopen, a_lead, absorb_lead, at, lead_absorption


async def _page(ledger: Ledger, **query: Any) -> list[str]:
    return [entry.lead.id for entry in await ledger.desk.page(DeskQuery(**query))]


async def _entry(ledger: Ledger, lead_id: str = "a") -> DeskEntry:
    [entry] = await ledger.desk.entries([lead_id])
    return entry


async def _merge_away(ledger: Ledger, lead_id: str) -> None:
    gone = LeadChange(lead=a_lead(lead_id, 2, merged_into="a"), previous_version=1)
    await ledger.leads.absorb(Absorption(leads=[gone]), at(50))


class DeskContract:
    async def test_a_new_lead_waits_untouched(self, ledger: Ledger) -> None:
        await absorb_lead(ledger, "a", when=at(1))
        lead = await ledger.leads.lead("a")
        assert lead is not None
        assert list(await ledger.desk.page(DeskQuery())) == [DeskEntry(lead=lead)]

    async def test_the_newest_enquiry_stands_on_top(self, ledger: Ledger) -> None:
        for lead_id, when_s in (("c", 1), ("a", 2), ("d", 2), ("b", 3)):
            await absorb_lead(ledger, lead_id, when=at(when_s))
        assert await _page(ledger) == ["b", "d", "a", "c"]
        await absorb_lead(ledger, "c", 2, when=at(4))
        assert await _page(ledger) == ["c", "b", "d", "a"]
        assert await _page(ledger, limit=2) == ["c", "b"]

    async def test_pages_stay_in_step_while_leads_come_in(self, ledger: Ledger) -> None:
        for lead_id, when_s in (("c", 1), ("a", 2), ("d", 2), ("b", 3)):
            await absorb_lead(ledger, lead_id, when=at(when_s))
        assert await _page(ledger, limit=2) == ["b", "d"]
        await absorb_lead(ledger, "e", when=at(9))
        assert await _page(ledger, limit=2, before=(at(2), "d")) == ["a", "c"]
        assert await _page(ledger, limit=2, before=(at(1), "c")) == []

    async def test_merged_leads_are_left_out(self, ledger: Ledger) -> None:
        await absorb_lead(ledger, "a")
        await absorb_lead(ledger, "b")
        await _merge_away(ledger, "b")
        assert await _page(ledger) == ["a"]
        assert await ledger.desk.claim("b", "asha", at(60)) is False

    async def test_a_page_asks_for_source_state_and_holder(self, ledger: Ledger) -> None:
        for lead_id in ("a", "b", "c"):
            await absorb_lead(ledger, lead_id, search=f"word{lead_id}")
        both = lead_absorption("c", 2, search="wordc")
        meta = RecordChange(record=msgspec.structs.replace(both.records[0].record, source="meta"), previous=None)
        await ledger.leads.absorb(msgspec.structs.replace(both, records=[meta]), at(1))
        await ledger.desk.claim("a", "asha", at(2))
        await ledger.desk.claim("b", "zoe", at(2))
        await ledger.desk.contact("b", "zoe", at(3))
        assert await _page(ledger, state="new") == ["c"]
        assert await _page(ledger, state="claimed") == ["a"]
        assert await _page(ledger, state="contacted") == ["b"]
        assert await _page(ledger, claimed_by="zoe") == ["b"]
        assert await _page(ledger, claimed_by="zoe", state="claimed") == []
        assert await _page(ledger, source="meta") == ["c"]
        assert await _page(ledger, source="site") == ["c", "b", "a"]
        assert await _page(ledger, text="worda", state="claimed", claimed_by="asha", source="site") == ["a"]
        assert await _page(ledger, text="wordb", claimed_by="asha") == []

    async def test_entries_leave_unknown_ids_out(self, ledger: Ledger) -> None:
        await absorb_lead(ledger, "a")
        await absorb_lead(ledger, "b")
        await absorb_lead(ledger, "c")
        entries = await ledger.desk.entries(["c", "unknown", "a"])
        assert sorted(entry.lead.id for entry in entries) == ["a", "c"]
        assert list(await ledger.desk.entries([])) == []

    async def test_a_claim_tells_who_and_when(self, ledger: Ledger) -> None:
        await absorb_lead(ledger, "a")
        assert await ledger.desk.claim("a", "asha", at(5)) is True
        entry = await _entry(ledger)
        assert (entry.state, entry.claimed_by, entry.claimed_at) == ("claimed", "asha", at(5))
        assert (entry.first_touch_at, entry.opened_at) == (at(5), None)

    async def test_of_twenty_that_claim_a_lead_at_once_one_wins(self, ledger: Ledger) -> None:
        await absorb_lead(ledger, "a")
        tries = [ledger.desk.claim("a", f"rep {number}", at(5)) for number in range(20)]
        wins = await asyncio.gather(*tries)
        assert wins.count(True) == 1
        assert (await _entry(ledger)).claimed_by == f"rep {wins.index(True)}"

    async def test_a_taken_or_unknown_lead_can_not_be_claimed(self, ledger: Ledger) -> None:
        await absorb_lead(ledger, "a")
        await ledger.desk.claim("a", "asha", at(5))
        assert await ledger.desk.claim("a", "zoe", at(6)) is False
        assert await ledger.desk.claim("a", "asha", at(6)) is False
        assert await ledger.desk.claim("unknown", "asha", at(6)) is False
        entry = await _entry(ledger)
        assert (entry.claimed_by, entry.claimed_at) == ("asha", at(5))

    async def test_only_the_holder_gives_a_claim_back(self, ledger: Ledger) -> None:
        await absorb_lead(ledger, "a")
        assert await ledger.desk.release("a", "asha", at(5)) is False
        await ledger.desk.claim("a", "asha", at(5))
        assert await ledger.desk.release("a", "zoe", at(6)) is False
        assert await ledger.desk.release("unknown", "zoe", at(6)) is False
        assert await ledger.desk.release("a", "asha", at(7)) is True
        entry = await _entry(ledger)
        assert (entry.state, entry.claimed_by, entry.claimed_at) == ("new", None, None)
        assert await ledger.desk.release("a", "asha", at(8)) is False

    async def test_the_first_touch_stays_the_first(self, ledger: Ledger) -> None:
        await absorb_lead(ledger, "a")
        await ledger.desk.claim("a", "asha", at(5))
        await ledger.desk.release("a", "asha", at(6))
        assert await ledger.desk.claim("a", "zoe", at(7)) is True
        await ledger.desk.contact("a", "zoe", at(8))
        entry = await _entry(ledger)
        assert (entry.first_touch_at, entry.claimed_at, entry.claimed_by) == (at(5), at(7), "zoe")

    async def test_the_holder_marks_a_lead_as_contacted_and_nobody_else(self, ledger: Ledger) -> None:
        await absorb_lead(ledger, "a")
        await ledger.desk.claim("a", "asha", at(5))
        assert await ledger.desk.contact("a", "zoe", at(6)) is False
        assert (await _entry(ledger)).state == "claimed"
        assert await ledger.desk.contact("a", "asha", at(7)) is True
        entry = await _entry(ledger)
        assert (entry.state, entry.claimed_by, entry.claimed_at) == ("contacted", "asha", at(5))
        assert await ledger.desk.claim("a", "zoe", at(8)) is False

    async def test_contacting_a_lead_that_nobody_holds_claims_it(self, ledger: Ledger) -> None:
        await absorb_lead(ledger, "a")
        assert await ledger.desk.contact("a", "asha", at(5)) is True
        assert await ledger.desk.contact("unknown", "asha", at(5)) is False
        entry = await _entry(ledger)
        assert (entry.state, entry.claimed_by) == ("contacted", "asha")
        assert (entry.claimed_at, entry.first_touch_at) == (at(5), at(5))

    async def test_of_twenty_that_contact_a_free_lead_at_once_one_wins(self, ledger: Ledger) -> None:
        await absorb_lead(ledger, "a")
        wins = await asyncio.gather(*[ledger.desk.contact("a", f"rep {number}", at(5)) for number in range(20)])
        assert wins.count(True) == 1

    async def test_only_the_first_opening_is_noted(self, ledger: Ledger) -> None:
        await absorb_lead(ledger, "a")
        await ledger.desk.open("a", at(5))
        await ledger.desk.open("a", at(6))
        await ledger.desk.open("unknown", at(6))
        entry = await _entry(ledger)
        assert (entry.opened_at, entry.state, entry.first_touch_at) == (at(5), "new", None)
        await ledger.desk.claim("a", "asha", at(7))
        assert (await _entry(ledger)).opened_at == at(5)

    async def test_a_new_version_leaves_the_desks_marks(self, ledger: Ledger) -> None:
        await absorb_lead(ledger, "a")
        await ledger.desk.open("a", at(4))
        await ledger.desk.claim("a", "asha", at(5))
        await absorb_lead(ledger, "a", 2, when=at(6))
        entry = await _entry(ledger)
        assert (entry.lead.version, entry.state, entry.claimed_by, entry.opened_at) == (2, "claimed", "asha", at(4))

    async def test_counts_tell_how_many_leads_are_in_each_state(self, ledger: Ledger) -> None:
        for lead_id in ("a", "b", "c", "d", "e"):
            await absorb_lead(ledger, lead_id)
        await ledger.desk.claim("a", "asha", at(5))
        await ledger.desk.contact("b", "asha", at(5))
        await ledger.desk.open("c", at(5))
        await _merge_away(ledger, "e")
        counts = await ledger.desk.counts()
        assert {state: count for state, count in counts.items() if count} == {"new": 2, "claimed": 1, "contacted": 1}

    async def test_an_erased_leads_marks_are_gone(self, ledger: Ledger) -> None:
        await absorb_lead(ledger, "a")
        await ledger.desk.claim("a", "asha", at(5))
        await ledger.leads.erase("a", at(6))
        assert {state: count for state, count in (await ledger.desk.counts()).items() if count} == {}
        assert await ledger.desk.claim("a", "zoe", at(7)) is False

    async def test_the_desk_outlives_the_process(self, ledger: Ledger, reopen: Reopen) -> None:
        await absorb_lead(ledger, "a")
        await ledger.desk.claim("a", "asha", at(5))
        before = await _entry(ledger)
        other = await reopen()
        assert await _entry(other) == before
