"""The lead book's contract: what it knows and shows."""

from typing import Any

import msgspec

from leadwire.model.lead import Lead, Merge
from leadwire.model.pull import Cursor
from leadwire.model.record import Attribution, Call, Record, RecordKey
from leadwire.ports.lead_book import Absorption, CursorMove, Known, LeadChange, LeadQuery, RecordChange
from leadwire.ports.ledger import Ledger
from leadwire.testing.ledger_contract.samples import START, Reopen, a_lead, a_record, absorb_lead, at, lead_absorption

FULL = Record(
    native_id="f1",
    kind="call",
    occurred_at=START - 1,
    full_name="प्रिया शर्मा \U0001f600 \x00",
    email="priya@example.com",
    phone="+91 98765 43210",
    answers={"why?": ["a", "b"], "": []},
    attribution=Attribution(platform="ig", campaign_id="23851234567890123456789012345", organic=False),
    call=Call(direction="inbound", duration_s=0, answered=False),
    activity={"visits": 3, "last_visited_at": "2026-01-01T00:00:00Z", "deep": {"list": [1, 2.5, None, True]}},
    columns={"price": 1.5, "id": 10**18, "tags": ["x"], "none": None},
    is_test=True,
    source_version=7,
)


def _shape(known: Known) -> dict[str, Any]:
    return {
        "leads": sorted(lead.id for lead in known.leads),
        "records": sorted(record.key for record in known.records),
        "owners": known.owners,
        "keys": {lead_id: sorted(keys) for lead_id, keys in known.keys.items()},
    }


async def _page(ledger: Ledger, **query: Any) -> list[str]:
    return [lead.id for lead in await ledger.leads.page(LeadQuery(**query))]


class LeadBookContract:
    async def test_an_empty_book_knows_nothing(self, ledger: Ledger) -> None:
        assert await ledger.leads.known([], []) == Known(leads=[], records=[])
        shape = _shape(await ledger.leads.known([RecordKey("site", "a")], ["phone:+91"]))
        assert shape == {"leads": [], "records": [], "owners": {}, "keys": {}}

    async def test_a_record_leads_to_its_lead_with_all_records_and_keys(self, ledger: Ledger) -> None:
        first = await absorb_lead(ledger, "a", keys=["phone:1", "email:a"])
        second = await absorb_lead(ledger, "a", 2, when=at(1), keys=["phone:2"])
        await absorb_lead(ledger, "b", keys=["phone:9"])
        known = await ledger.leads.known([first], [])
        assert _shape(known) == {
            "leads": ["a"],
            "records": sorted([first, second]),
            "owners": {},
            "keys": {"a": ["email:a", "phone:1", "phone:2"]},
        }
        assert known.leads[0].version == 2

    async def test_an_identity_key_leads_to_its_owner(self, ledger: Ledger) -> None:
        record = await absorb_lead(ledger, "a", keys=["phone:1", "email:a"])
        known = await ledger.leads.known([], ["phone:1", "phone:unknown"])
        assert _shape(known) == {
            "leads": ["a"],
            "records": [record],
            "owners": {"phone:1": "a"},
            "keys": {"a": ["email:a", "phone:1"]},
        }

    async def test_records_and_keys_of_several_leads_are_answered_together(self, ledger: Ledger) -> None:
        a = await absorb_lead(ledger, "a", keys=["phone:1"])
        b = await absorb_lead(ledger, "b", keys=["phone:2", "email:b"])
        await absorb_lead(ledger, "c", keys=["phone:3"])
        d = await absorb_lead(ledger, "d")
        asked = [d, d, RecordKey("site", "new"), RecordKey("other", a.native_id)]
        known = await ledger.leads.known(asked, ["phone:1", "email:b", "phone:2", "phone:4"])
        assert _shape(known) == {
            "leads": ["a", "b", "d"],
            "records": sorted([a, b, d]),
            "owners": {"phone:1": "a", "email:b": "b", "phone:2": "b"},
            "keys": {"a": ["phone:1"], "b": ["email:b", "phone:2"], "d": []},
        }

    async def test_a_thousand_records_and_keys_can_be_asked_at_once(self, ledger: Ledger) -> None:
        record = await absorb_lead(ledger, "a", keys=["phone:777"])
        asked = [RecordKey("site", f"n{number}") for number in range(1_000)]
        known = await ledger.leads.known([*asked, record], [f"phone:{number}" for number in range(1_000)])
        assert [lead.id for lead in known.leads] == ["a"]
        assert known.owners == {"phone:777": "a"}

    async def test_a_record_comes_back_as_it_was_stored(self, ledger: Ledger) -> None:
        record = a_record("f1", "a", content=FULL, via="stream", received_at=at(1), stored_at=at(2), event_sequence=4)
        change = LeadChange(lead=a_lead("a"), previous_version=0)
        await ledger.leads.absorb(
            Absorption(records=[RecordChange(record=record, previous=None)], leads=[change]), at(2)
        )
        [stored] = await ledger.leads.records("a")
        assert msgspec.structs.replace(stored, sequence=0) == record
        assert (await ledger.leads.known([record.key], [])).records == [stored]

    async def test_a_stored_record_can_not_be_reached_from_outside(self, ledger: Ledger) -> None:
        content = Record(native_id="f1", kind="row", columns={"tags": ["x"]})
        record = a_record("f1", "a", content=content)
        change = LeadChange(lead=a_lead("a"), previous_version=0)
        await ledger.leads.absorb(
            Absorption(records=[RecordChange(record=record, previous=None)], leads=[change]), START
        )
        content.columns["tags"].append("changed by the giver")
        [read] = await ledger.leads.records("a")
        read.content.columns["tags"].append("changed by a reader")
        [again] = await ledger.leads.records("a")
        assert again.content.columns == {"tags": ["x"]}

    async def test_a_lead_comes_back_as_it_was_stored(self, ledger: Ledger) -> None:
        document = msgspec.Raw('{"id":"a","full_name":"José \U0001f600","n":12345678901234567890}'.encode())
        lead = Lead(id="a", version=1, created_at=at(-9), updated_at=at(3), received_at=at(2), document=document)
        absorption = Absorption(leads=[LeadChange(lead=lead, previous_version=0)])
        await ledger.leads.absorb(absorption, at(3))
        assert await ledger.leads.lead("a") == lead
        assert await ledger.leads.lead("b") is None

    async def test_records_come_in_the_order_of_their_arrival(self, ledger: Ledger) -> None:
        for version, occurred_s in ((1, 30), (2, 10), (3, 20)):
            absorption = lead_absorption("a", version, when=at(version))
            record = absorption.records[0].record
            content = Record(native_id=record.key.native_id, kind="form", occurred_at=at(occurred_s))
            change = RecordChange(record=msgspec.structs.replace(record, content=content), previous=None)
            await ledger.leads.absorb(msgspec.structs.replace(absorption, records=[change]), at(version))
        records = await ledger.leads.records("a")
        assert [record.content.native_id for record in records] == ["a-1", "a-2", "a-3"]
        sequences = [record.sequence for record in records]
        assert sequences == sorted(set(sequences))

    async def test_an_unknown_lead_has_no_records_and_no_merges(self, ledger: Ledger) -> None:
        assert list(await ledger.leads.records("a")) == []
        assert list(await ledger.leads.merges("a")) == []

    async def test_a_page_goes_from_new_to_old_by_id(self, ledger: Ledger) -> None:
        for lead_id in ("b", "d", "a", "c"):
            await absorb_lead(ledger, lead_id)
        assert await _page(ledger) == ["d", "c", "b", "a"]
        assert await _page(ledger, limit=2) == ["d", "c"]

    async def test_pages_stay_in_step_while_leads_come_in(self, ledger: Ledger) -> None:
        for lead_id in ("a", "b", "c", "d"):
            await absorb_lead(ledger, lead_id)
        assert await _page(ledger, limit=2) == ["d", "c"]
        await absorb_lead(ledger, "e")
        assert await _page(ledger, limit=2, after="c") == ["b", "a"]
        assert await _page(ledger, limit=2, after="a") == []

    async def test_a_page_can_ask_for_a_source_and_a_time(self, ledger: Ledger) -> None:
        await absorb_lead(ledger, "a", when=at(1))
        await absorb_lead(ledger, "b", when=at(2))
        both = lead_absorption("b", 2, when=at(2))
        meta = msgspec.structs.replace(both.records[0].record, source="meta")
        change = RecordChange(record=meta, previous=None)
        await ledger.leads.absorb(msgspec.structs.replace(both, records=[change]), at(2))
        await absorb_lead(ledger, "c", when=at(3))
        assert await _page(ledger, source="meta") == ["b"]
        assert await _page(ledger, source="site") == ["c", "b", "a"]
        assert await _page(ledger, source="none") == []
        assert await _page(ledger, since=at(2)) == ["c", "b"]
        assert await _page(ledger, since=at(2), source="meta") == ["b"]
        assert await _page(ledger, since=at(4)) == []

    async def test_a_merged_lead_is_found_by_its_id_only(self, ledger: Ledger) -> None:
        await absorb_lead(ledger, "a", search="asha")
        await absorb_lead(ledger, "b", search="asha")
        gone = LeadChange(lead=a_lead("b", 2, merged_into="a"), previous_version=1, search="asha")
        await ledger.leads.absorb(Absorption(leads=[gone]), at(1))
        assert await _page(ledger) == ["a"]
        assert await _page(ledger, text="asha") == ["a"]
        lead = await ledger.leads.lead("b")
        assert lead is not None
        assert lead.merged_into == "a"

    async def test_a_merged_lead_is_not_known_by_what_it_still_holds(self, ledger: Ledger) -> None:
        record = await absorb_lead(ledger, "b", keys=["phone:1"])
        gone = LeadChange(lead=a_lead("b", 2, merged_into="a"), previous_version=1)
        await ledger.leads.absorb(Absorption(leads=[gone]), at(1))
        known = await ledger.leads.known([record], ["phone:1"])
        assert list(known.leads) == []
        assert known.keys == {}

    async def test_merges_are_told_from_both_sides_oldest_first(self, ledger: Ledger) -> None:
        for lead_id in ("a", "b", "c", "d"):
            await absorb_lead(ledger, lead_id)
        late = Merge(id="m1", kept="a", absorbed="b", reason="the phone", merged_at=at(9))
        early = Merge(id="m2", kept="c", absorbed="a", reason="the e-mail", merged_at=at(1))
        await ledger.leads.absorb(Absorption(merges=[late]), at(9))
        await ledger.leads.absorb(Absorption(merges=[early]), at(9))
        assert list(await ledger.leads.merges("a")) == [early, late]
        assert list(await ledger.leads.merges("b")) == [late]
        assert list(await ledger.leads.merges("c")) == [early]
        assert list(await ledger.leads.merges("d")) == []

    async def test_a_cursor_is_kept_per_stream_and_moves(self, ledger: Ledger) -> None:
        def move(source: str, stream: str, **position: Any) -> CursorMove:
            return CursorMove(source=source, stream=stream, cursor=Cursor(position=position))

        assert list(await ledger.leads.cursors()) == []
        moves = [
            move("meta", "form 1", since=1),
            move("meta", "form 2", since=2),
            move("site", "form 1", at="x"),
            move("meta", "form 1", since=3, ids=["a"]),
        ]
        for one in moves:
            await ledger.leads.absorb(Absorption(cursor=one), START)
        cursors = sorted(await ledger.leads.cursors(), key=lambda one: (one.source, one.stream))
        assert cursors == [moves[3], moves[1], moves[2]]

    async def test_a_stored_cursor_can_not_be_reached_from_outside(self, ledger: Ledger) -> None:
        move = CursorMove(source="meta", stream="s", cursor=Cursor(position={"ids": ["a"]}))
        await ledger.leads.absorb(Absorption(cursor=move), START)
        move.cursor.position["ids"].append("b")
        [kept] = await ledger.leads.cursors()
        assert kept.cursor.position == {"ids": ["a"]}

    async def test_the_book_outlives_the_process(self, ledger: Ledger, reopen: Reopen) -> None:
        record = await absorb_lead(ledger, "a", keys=["phone:1"], search="Asha")
        await ledger.leads.absorb(
            Absorption(cursor=CursorMove(source="meta", stream="s", cursor=Cursor(position={"at": 1}))), START
        )
        before = await ledger.leads.known([record], ["phone:1"])
        other = await reopen()
        assert await other.leads.known([record], ["phone:1"]) == before
        assert [one.cursor.position for one in await other.leads.cursors()] == [{"at": 1}]
        assert await _page(other, text="asha") == ["a"]
