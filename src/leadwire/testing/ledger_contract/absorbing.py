"""The contract of LeadBook.absorb: one commit, guarded."""

import asyncio
from typing import Any

import msgspec
import pytest

from leadwire.model.delivery import Grain
from leadwire.model.errors import StoreBusy
from leadwire.model.lead import Merge
from leadwire.model.pull import Cursor
from leadwire.model.record import Record, RecordKey, StoredRecord
from leadwire.ports.delivery_queue import DeliveryFilter
from leadwire.ports.fetch_queue import FetchClaim
from leadwire.ports.lead_book import (
    Absorption,
    CursorMove,
    EventDone,
    FetchDone,
    LeadChange,
    RecordChange,
    Withdrawal,
)
from leadwire.ports.ledger import Ledger
from leadwire.testing.ledger_contract.samples import (
    START,
    a_fetch,
    a_lead,
    a_record,
    absorb_lead,
    an_event,
    an_owed,
    at,
    claim,
    lead_absorption,
)


async def _states(ledger: Ledger, **which: Any) -> dict[str, str]:
    rows = await ledger.delivery_book.page(DeliveryFilter(**which), None, 100)
    return {row.id: row.state for row in rows}


async def _record(ledger: Ledger, key: RecordKey) -> StoredRecord:
    known = await ledger.leads.known([key], [])
    return next(record for record in known.records if record.key == key)


async def _everything(ledger: Ledger) -> list[object]:
    """All that an absorption can change, to compare."""
    return [
        await ledger.leads.known([RecordKey("site", "a-1"), RecordKey("site", "b-1")], ["phone:1", "phone:2"]),
        await ledger.leads.merges("a"),
        await _states(ledger),
        await ledger.events.page(None, None, 10),
        await ledger.fetches.page(None, None, None, 10),
        await ledger.leads.cursors(),
    ]


class AbsorbContract:
    async def test_new_records_get_sequences_in_the_order_of_the_list(self, ledger: Ledger) -> None:
        await absorb_lead(ledger, "z")
        changes = [RecordChange(record=a_record(name, "a"), previous=None) for name in ("c", "a", "b")]
        lead = LeadChange(lead=a_lead("a"), previous_version=0)
        await ledger.leads.absorb(Absorption(records=changes, leads=[lead]), START)
        records = await ledger.leads.records("a")
        assert [record.content.native_id for record in records] == ["c", "a", "b"]
        [earlier] = await ledger.leads.records("z")
        sequences = [record.sequence for record in (earlier, *records)]
        assert sequences == sorted(set(sequences))

    async def test_one_native_id_is_two_records_at_two_sources(self, ledger: Ledger) -> None:
        changes = [RecordChange(record=a_record("1", "a", source=source), previous=None) for source in ("site", "meta")]
        await ledger.leads.absorb(
            Absorption(records=changes, leads=[LeadChange(lead=a_lead("a"), previous_version=0)]), START
        )
        assert len(await ledger.leads.records("a")) == 2

    async def test_a_changed_record_keeps_its_sequence(self, ledger: Ledger) -> None:
        key = await absorb_lead(ledger, "a")
        await absorb_lead(ledger, "a", 2)
        stored = await _record(ledger, key)
        content = Record(native_id=key.native_id, kind="form", full_name="José")
        changed = msgspec.structs.replace(stored, content=content, fingerprint="new print")
        await ledger.leads.absorb(
            Absorption(records=[RecordChange(record=changed, previous=stored.fingerprint)]), START
        )
        assert await _record(ledger, key) == changed
        assert (await ledger.leads.records("a"))[0].content == content

    async def test_a_refused_absorption_changes_nothing(self, ledger: Ledger) -> None:
        [sequence] = await ledger.events.append([an_event(1)], START)
        assert sequence is not None
        await absorb_lead(ledger, "a", keys=["phone:1"])
        await ledger.leads.absorb(Absorption(fetches=[a_fetch("f1")]), START)
        before = await _everything(ledger)
        good = lead_absorption("b", keys=["phone:1", "phone:2"])
        everything = msgspec.structs.replace(
            good,
            deliveries=[*good.deliveries, an_owed("a", 2)],
            withdrawals=[Withdrawal(sync="crm", lead_id="a", reason="x")],
            merges=[Merge(id="m", kept="a", absorbed="b", reason="x", merged_at=START)],
            events=[EventDone(sequence=sequence)],
            fetches=[a_fetch("f2")],
            fetched=[FetchDone(source="meta", native_id="f1")],
            cursor=CursorMove(source="meta", stream="s", cursor=Cursor(position={"at": 1})),
        )
        stale_lead = LeadChange(lead=a_lead("a", 3), previous_version=2)
        known_record = RecordChange(record=a_record("a-1", "b"), previous=None)
        for broken in (
            msgspec.structs.replace(everything, leads=[*good.leads, stale_lead]),
            msgspec.structs.replace(everything, records=[*good.records, known_record]),
        ):
            with pytest.raises(StoreBusy):
                await ledger.leads.absorb(broken, at(1))
            assert await _everything(ledger) == before
        await ledger.leads.absorb(everything, at(1))
        assert await _everything(ledger) != before

    async def test_a_record_that_must_be_new_may_not_be_known(self, ledger: Ledger) -> None:
        key = await absorb_lead(ledger, "a")
        again = RecordChange(record=a_record(key.native_id, "a", fingerprint="other"), previous=None)
        with pytest.raises(StoreBusy):
            await ledger.leads.absorb(Absorption(records=[again]), START)
        assert (await _record(ledger, key)).fingerprint == f"print of {key.native_id}"

    async def test_a_new_record_stands_only_once_in_an_absorption(self, ledger: Ledger) -> None:
        change = RecordChange(record=a_record("1", "a"), previous=None)
        lead = LeadChange(lead=a_lead("a"), previous_version=0)
        with pytest.raises(StoreBusy):
            await ledger.leads.absorb(Absorption(records=[change, change], leads=[lead]), START)
        assert await ledger.leads.lead("a") is None

    @pytest.mark.parametrize("previous", ["another print", ""])
    async def test_a_changed_record_must_have_the_fingerprint_that_was_read(
        self, ledger: Ledger, previous: str
    ) -> None:
        key = await absorb_lead(ledger, "a")
        stored = await _record(ledger, key)
        changed = msgspec.structs.replace(stored, fingerprint="new print")
        with pytest.raises(StoreBusy):
            await ledger.leads.absorb(Absorption(records=[RecordChange(record=changed, previous=previous)]), START)
        assert await _record(ledger, key) == stored

    async def test_an_unknown_record_can_not_be_changed(self, ledger: Ledger) -> None:
        await absorb_lead(ledger, "a")
        change = RecordChange(record=a_record("new", "a"), previous="print of new")
        with pytest.raises(StoreBusy):
            await ledger.leads.absorb(Absorption(records=[change]), START)
        assert len(await ledger.leads.records("a")) == 1

    @pytest.mark.parametrize("previous", [0, 1, 3])
    async def test_a_lead_must_have_the_version_that_was_read(self, ledger: Ledger, previous: int) -> None:
        await absorb_lead(ledger, "a")
        await absorb_lead(ledger, "a", 2)
        change = LeadChange(lead=a_lead("a", previous + 1), previous_version=previous)
        with pytest.raises(StoreBusy):
            await ledger.leads.absorb(Absorption(leads=[change]), START)
        lead = await ledger.leads.lead("a")
        assert lead is not None
        assert lead.version == 2

    async def test_a_new_lead_stands_only_once_in_an_absorption(self, ledger: Ledger) -> None:
        change = LeadChange(lead=a_lead("a"), previous_version=0)
        with pytest.raises(StoreBusy):
            await ledger.leads.absorb(Absorption(leads=[change, change]), START)
        assert await ledger.leads.lead("a") is None

    async def test_an_unknown_lead_has_no_version_to_go_on_from(self, ledger: Ledger) -> None:
        with pytest.raises(StoreBusy):
            await ledger.leads.absorb(Absorption(leads=[LeadChange(lead=a_lead("a", 2), previous_version=1)]), START)
        assert await ledger.leads.lead("a") is None

    async def test_of_twenty_that_go_on_from_one_version_one_wins(self, ledger: Ledger) -> None:
        await absorb_lead(ledger, "a")

        async def try_it(number: int) -> bool:
            record = RecordChange(record=a_record(f"r{number}", "a"), previous=None)
            lead = LeadChange(lead=a_lead("a", 2), previous_version=1)
            try:
                await ledger.leads.absorb(Absorption(records=[record], leads=[lead]), START)
            except StoreBusy:
                return False
            return True

        assert sum(await asyncio.gather(*[try_it(number) for number in range(20)])) == 1
        assert len(await ledger.leads.records("a")) == 2

    async def test_a_leads_keys_add_up(self, ledger: Ledger) -> None:
        await absorb_lead(ledger, "a", keys=["phone:1"])
        await absorb_lead(ledger, "a", 2, keys=["email:a", "phone:1"])
        await absorb_lead(ledger, "a", 3)
        known = await ledger.leads.known([], ["email:a", "phone:1"])
        assert known.owners == {"email:a": "a", "phone:1": "a"}
        assert {lead_id: sorted(keys) for lead_id, keys in known.keys.items()} == {"a": ["email:a", "phone:1"]}

    async def test_a_key_is_taken_over_from_whoever_had_it(self, ledger: Ledger) -> None:
        await absorb_lead(ledger, "a", keys=["phone:1", "email:a"])
        await absorb_lead(ledger, "b", keys=["phone:1"])
        known = await ledger.leads.known([], ["phone:1", "email:a"])
        assert known.owners == {"phone:1": "b", "email:a": "a"}
        assert known.keys == {"a": ["email:a"], "b": ["phone:1"]}

    async def test_a_merge_moves_records_and_keys(self, ledger: Ledger) -> None:
        first = await absorb_lead(ledger, "a", keys=["phone:1"])
        second = await absorb_lead(ledger, "b", keys=["email:b"])
        stored = await _record(ledger, second)
        merge = Merge(id="m", kept="a", absorbed="b", reason="the phone and the email", merged_at=at(1))
        moved = RecordChange(record=msgspec.structs.replace(stored, lead_id="a"), previous=stored.fingerprint)
        kept = LeadChange(lead=a_lead("a", 2), previous_version=1, keys=["email:b"])
        gone = LeadChange(lead=a_lead("b", 2, merged_into="a"), previous_version=1)
        await ledger.leads.absorb(Absorption(records=[moved], leads=[kept, gone], merges=[merge]), at(1))
        assert [record.key for record in await ledger.leads.records("a")] == [first, second]
        assert list(await ledger.leads.records("b")) == []
        known = await ledger.leads.known([second], ["email:b"])
        assert [lead.id for lead in known.leads] == ["a"]
        assert known.owners == {"email:b": "a"}
        assert {lead_id: sorted(keys) for lead_id, keys in known.keys.items()} == {"a": ["email:b", "phone:1"]}
        assert list(await ledger.leads.merges("b")) == [merge]

    async def test_a_merge_can_be_undone(self, ledger: Ledger) -> None:
        await absorb_lead(ledger, "a")
        await absorb_lead(ledger, "b")
        merge = Merge(id="m", kept="a", absorbed="b", reason="the phone", merged_at=at(1))
        gone = LeadChange(lead=a_lead("b", 2, merged_into="a"), previous_version=1)
        await ledger.leads.absorb(Absorption(leads=[gone], merges=[merge]), at(1))
        undone = msgspec.structs.replace(merge, undone_at=at(2))
        back = LeadChange(lead=a_lead("b", 3), previous_version=2, keys=["phone:1"])
        await ledger.leads.absorb(Absorption(leads=[back], merges=[undone]), at(2))
        assert list(await ledger.leads.merges("a")) == [undone]
        assert [lead.id for lead in (await ledger.leads.known([], ["phone:1"])).leads] == ["b"]

    async def test_a_new_version_supersedes_what_was_pending_for_the_same_sync_and_lead(self, ledger: Ledger) -> None:
        await absorb_lead(ledger, "a", owed=[an_owed("a"), an_owed("a", sync="chat")])
        await absorb_lead(ledger, "b")
        await absorb_lead(ledger, "a", 2, when=at(1))
        assert await _states(ledger) == {
            "a_1_crm": "superseded",
            "a_1_chat": "pending",
            "a_2_crm": "pending",
            "b_1_crm": "pending",
        }
        [row] = await ledger.delivery_book.page(DeliveryFilter(state="superseded"), None, 10)
        assert row.updated_at == at(1)

    async def test_a_new_version_leaves_a_delivery_under_way_alone(self, ledger: Ledger) -> None:
        await absorb_lead(ledger, "a")
        await claim(ledger, now=START)
        await absorb_lead(ledger, "a", 2, when=at(1))
        assert await _states(ledger) == {"a_1_crm": "leased", "a_2_crm": "pending"}

    async def test_deliveries_of_records_never_supersede_each_other(self, ledger: Ledger) -> None:
        for version in (1, 2):
            owed = an_owed("a", version, grain="record", record_source="site", record_native_id=f"a-{version}")
            await absorb_lead(ledger, "a", version, owed=[owed])
        assert await _states(ledger) == {"a_1_crm": "pending", "a_2_crm": "pending"}
        assert await ledger.delivery_book.page(DeliveryFilter(ids=["a_2_crm"]), None, 1) == [owed]

    @pytest.mark.parametrize("grains", [("lead", "record"), ("record", "lead")])
    async def test_a_record_and_a_lead_never_supersede_each_other(
        self, ledger: Ledger, grains: tuple[Grain, Grain]
    ) -> None:
        for version, grain in enumerate(grains, 1):
            await absorb_lead(ledger, "a", version, owed=[an_owed("a", version, grain=grain)])
        assert await _states(ledger) == {"a_1_crm": "pending", "a_2_crm": "pending"}

    async def test_a_delivery_whose_id_exists_is_left_as_it_is(self, ledger: Ledger) -> None:
        await absorb_lead(ledger, "a")
        before = await ledger.delivery_book.page(DeliveryFilter(), None, 10)
        again = an_owed("a", owed_at=at(9), not_before=at(9), updated_at=at(9), reason="again")
        await ledger.leads.absorb(Absorption(deliveries=[again]), at(9))
        assert await ledger.delivery_book.page(DeliveryFilter(), None, 10) == before

    async def test_an_old_delivery_that_comes_again_supersedes_nothing(self, ledger: Ledger) -> None:
        await absorb_lead(ledger, "a")
        await absorb_lead(ledger, "a", 2)
        await ledger.leads.absorb(Absorption(deliveries=[an_owed("a")]), START)
        assert await _states(ledger) == {"a_1_crm": "superseded", "a_2_crm": "pending"}

    async def test_a_delivery_may_be_dead_from_its_first_day(self, ledger: Ledger) -> None:
        await absorb_lead(ledger, "a", owed=[an_owed("a", state="dead", reason="the mapping failed")])
        assert await claim(ledger, now=START) == []
        [row] = await ledger.delivery_book.page(DeliveryFilter(state="dead"), None, 10)
        assert row.reason == "the mapping failed"

    async def test_a_withdrawal_cancels_what_is_pending_for_its_sync_and_lead(self, ledger: Ledger) -> None:
        await absorb_lead(ledger, "a", owed=[an_owed("a"), an_owed("a", sync="chat")])
        await absorb_lead(ledger, "b")
        withdrawal = Withdrawal(sync="crm", lead_id="a", reason="no longer wanted")
        await ledger.leads.absorb(Absorption(withdrawals=[withdrawal]), at(1))
        assert await _states(ledger) == {"a_1_crm": "cancelled", "a_1_chat": "pending", "b_1_crm": "pending"}
        [row] = await ledger.delivery_book.page(DeliveryFilter(state="cancelled"), None, 10)
        assert (row.reason, row.updated_at) == ("no longer wanted", at(1))

    async def test_a_withdrawal_leaves_a_delivery_under_way_alone(self, ledger: Ledger) -> None:
        await absorb_lead(ledger, "a")
        await claim(ledger, now=START)
        withdrawal = Withdrawal(sync="crm", lead_id="a", reason="no longer wanted")
        await ledger.leads.absorb(Absorption(withdrawals=[withdrawal]), at(1))
        assert await _states(ledger) == {"a_1_crm": "leased"}

    async def test_a_known_fetch_is_left_as_it_is(self, ledger: Ledger) -> None:
        first = a_fetch("f1", reason="first")
        await ledger.leads.absorb(Absorption(fetches=[first, a_fetch("f1", reason="twin")]), START)
        await ledger.leads.absorb(Absorption(fetches=[a_fetch("f1", reason="again", not_before=at(9))]), at(9))
        [fetch] = await ledger.fetches.page(None, None, None, 10)
        assert (fetch.reason, fetch.not_before) == ("first", START)

    async def test_a_done_fetch_is_not_fetched_again(self, ledger: Ledger) -> None:
        await ledger.leads.absorb(Absorption(fetches=[a_fetch("f1")]), START)
        await ledger.leads.absorb(Absorption(fetched=[FetchDone(source="meta", native_id="f1", reason="test")]), at(1))
        await ledger.leads.absorb(Absorption(fetches=[a_fetch("f1")]), at(2))
        [fetch] = await ledger.fetches.page(None, None, None, 10)
        assert (fetch.state, fetch.reason) == ("done", "test")
        assert await ledger.fetches.next_due("meta") is None

    async def test_an_id_whose_record_is_known_is_not_fetched(self, ledger: Ledger) -> None:
        record = RecordChange(record=a_record("f1", "a", source="meta"), previous=None)
        lead = LeadChange(lead=a_lead("a"), previous_version=0)
        await ledger.leads.absorb(Absorption(records=[record], leads=[lead]), START)
        await ledger.leads.absorb(Absorption(fetches=[a_fetch("f1"), a_fetch("f1", source="site")]), START)
        assert [fetch.source for fetch in await ledger.fetches.page(None, None, None, 10)] == ["site"]

    async def test_a_fetch_and_its_record_settle_in_one_commit(self, ledger: Ledger) -> None:
        await ledger.leads.absorb(Absorption(fetches=[a_fetch("f1")]), START)
        ask = FetchClaim(source="meta", limit=1, now=START, lease_until=at(9), owner="one")
        assert len(await ledger.fetches.claim(ask)) == 1
        record = RecordChange(record=a_record("f1", "a", source="meta"), previous=None)
        lead = LeadChange(lead=a_lead("a"), previous_version=0)
        done = FetchDone(source="meta", native_id="f1")
        await ledger.leads.absorb(Absorption(records=[record], leads=[lead], fetched=[done]), at(1))
        assert [fetch.state for fetch in await ledger.fetches.page(None, None, None, 10)] == ["done"]
        assert await ledger.fetches.rescue(at(99), owner_is_alone=True) == 0

    async def test_an_unknown_fetch_or_event_that_is_done_changes_nothing(self, ledger: Ledger) -> None:
        done = Absorption(fetched=[FetchDone(source="meta", native_id="f1")], events=[EventDone(sequence=5)])
        await ledger.leads.absorb(done, START)
        assert list(await ledger.fetches.page(None, None, None, 10)) == []
        assert list(await ledger.events.page(None, None, 10)) == []
