"""The contract of LeadBook.erase: the person is gone, the record keys stay."""

import msgspec
import pytest

from leadwire.model.errors import StoreBusy
from leadwire.model.record import Record, RecordKey
from leadwire.ports.delivery_queue import DeliveryFilter
from leadwire.ports.desk import DeskQuery
from leadwire.ports.lead_book import Absorption, EventDone, LeadChange, LeadQuery, RecordChange
from leadwire.ports.ledger import Ledger
from leadwire.testing.ledger_contract.samples import (
    START,
    Reopen,
    a_fetch,
    a_lead,
    a_record,
    absorb_lead,
    an_event,
    an_owed,
    at,
    claim,
    dead,
    delivered,
    waits,
)

PERSON = "Zaphodina"


async def _tell(ledger: Ledger) -> tuple[RecordKey, int]:
    """A lead "a" of one event, full of personal data; answers its record's key and its event."""
    [sequence] = await ledger.events.append([an_event(1, body=PERSON.encode())], START)
    assert sequence is not None
    content = Record(native_id="r", kind="form", full_name=PERSON, answers={"q": [PERSON]}, columns={"c": PERSON})
    record = a_record("r", "a", content=content, event_sequence=sequence)
    lead = a_lead("a", document=msgspec.Raw(b'{"full_name":"%s"}' % PERSON.encode()))
    change = LeadChange(lead=lead, previous_version=0, keys=[f"email:{PERSON}"], search=PERSON)
    absorption = Absorption(
        records=[RecordChange(record=record, previous=None)],
        leads=[change],
        deliveries=[an_owed("a"), an_owed("a", sync="chat")],
        events=[EventDone(sequence=sequence)],
    )
    await ledger.leads.absorb(absorption, START)
    return record.key, sequence


class EraseContract:
    async def test_erasing_says_whether_there_was_such_a_lead(self, ledger: Ledger) -> None:
        await absorb_lead(ledger, "a")
        assert await ledger.leads.erase("b", at(1)) is False
        assert await ledger.leads.erase("a", at(1)) is True
        assert await ledger.leads.erase("a", at(1)) is False

    async def test_nothing_of_the_person_is_left(self, ledger: Ledger) -> None:
        key, sequence = await _tell(ledger)
        await ledger.leads.erase("a", at(1))
        assert await ledger.leads.lead("a") is None
        assert list(await ledger.leads.page(LeadQuery())) == []
        assert list(await ledger.leads.page(LeadQuery(text=PERSON))) == []
        assert list(await ledger.desk.page(DeskQuery(text=PERSON))) == []
        assert list(await ledger.desk.entries(["a"])) == []
        assert await ledger.events.find(sequence) is None
        known = await ledger.leads.known([key], [f"email:{PERSON}"])
        assert list(known.leads) == []
        assert known.owners == {}
        left = [known, await ledger.leads.records("a"), await ledger.events.page(None, None, 10)]
        left.append(await ledger.delivery_book.page(DeliveryFilter(), None, 10))
        assert PERSON.encode() not in msgspec.json.encode(left)

    async def test_leads_that_were_merged_into_it_go_with_it(self, ledger: Ledger) -> None:
        for lead_id in ("a", "b", "c"):
            await absorb_lead(ledger, lead_id)
        into = {"a": "b", "b": "c"}
        for gone, kept in into.items():
            change = LeadChange(lead=a_lead(gone, 2, merged_into=kept), previous_version=1)
            await ledger.leads.absorb(Absorption(leads=[change]), at(1))
        assert await ledger.leads.erase("b", at(2)) is True
        assert await ledger.leads.lead("a") is None
        assert await ledger.leads.lead("b") is None
        assert await ledger.leads.lead("c") is not None
        assert [claimed.delivery.lead_id for claimed in await claim(ledger, now=at(3))] == ["c"]

    async def test_other_leads_stay_whole(self, ledger: Ledger) -> None:
        await _tell(ledger)
        other = await absorb_lead(ledger, "b", keys=["phone:1"], search="Asha")
        before = await ledger.leads.known([other], ["phone:1"])
        await ledger.leads.erase("a", at(1))
        assert await ledger.leads.known([other], ["phone:1"]) == before
        assert [lead.id for lead in await ledger.leads.page(LeadQuery(text="asha"))] == ["b"]
        assert [claimed.delivery.lead_id for claimed in await claim(ledger, now=at(1))] == ["b"]

    async def test_an_erased_record_is_known_without_a_lead_and_without_contents(self, ledger: Ledger) -> None:
        key, _ = await _tell(ledger)
        await ledger.leads.erase("a", at(1))
        known = await ledger.leads.known([key, RecordKey("site", "never seen")], [])
        assert [record.key for record in known.records] == [key]
        assert known.records[0].content == Record(native_id="r", kind=known.records[0].content.kind)
        assert list(known.leads) == []

    @pytest.mark.parametrize("previous", [None, "", "print of r"])
    async def test_an_erased_record_never_comes_back(self, ledger: Ledger, previous: str | None) -> None:
        await _tell(ledger)
        await ledger.leads.erase("a", at(1))
        again = RecordChange(record=a_record("r", "b"), previous=previous)
        lead = LeadChange(lead=a_lead("b"), previous_version=0)
        with pytest.raises(StoreBusy):
            await ledger.leads.absorb(Absorption(records=[again], leads=[lead]), at(2))
        assert await ledger.leads.lead("b") is None

    async def test_an_erased_record_is_not_fetched_again(self, ledger: Ledger) -> None:
        record = RecordChange(record=a_record("f1", "a", source="meta"), previous=None)
        lead = LeadChange(lead=a_lead("a"), previous_version=0)
        await ledger.leads.absorb(Absorption(records=[record], leads=[lead]), START)
        await ledger.leads.erase("a", at(1))
        await ledger.leads.absorb(Absorption(fetches=[a_fetch("f1")]), at(2))
        assert await ledger.fetches.next_due("meta") is None

    async def test_an_erased_identity_key_is_free_for_a_new_lead(self, ledger: Ledger) -> None:
        await absorb_lead(ledger, "a", keys=["phone:1"])
        await ledger.leads.erase("a", at(1))
        await absorb_lead(ledger, "b", keys=["phone:1"])
        assert (await ledger.leads.known([], ["phone:1"])).owners == {"phone:1": "b"}

    async def test_nothing_is_owed_for_an_erased_lead(self, ledger: Ledger) -> None:
        await _tell(ledger)
        await ledger.leads.erase("a", at(1))
        assert await claim(ledger, now=at(2)) == []
        assert await ledger.deliveries.next_due("crm") is None
        assert [tally.due for tally in await ledger.delivery_book.tally(at(2)) if tally.due] == []

    async def test_what_was_under_way_at_the_erasure_is_not_tried_again(self, ledger: Ledger) -> None:
        await _tell(ledger)
        [to_crm] = await claim(ledger, now=START)
        await claim(ledger, now=START, destination="chat")
        await ledger.leads.erase("a", at(1))
        await ledger.deliveries.settle([waits(to_crm, at(2))], at(2))
        await ledger.deliveries.rescue(at(3), owner_is_alone=True)
        assert await claim(ledger, now=at(9)) == []
        assert await claim(ledger, now=at(9), destination="chat") == []

    async def test_what_ended_before_the_erasure_is_not_replayed(self, ledger: Ledger) -> None:
        await _tell(ledger)
        [to_crm] = await claim(ledger, now=START)
        [to_chat] = await claim(ledger, now=START, destination="chat")
        await ledger.deliveries.settle([dead(to_crm), delivered(to_chat)], at(1))
        await ledger.leads.erase("a", at(2))
        assert await ledger.delivery_book.replay(DeliveryFilter(), at(3), dry_run=True) == 0
        assert await ledger.delivery_book.replay(DeliveryFilter(), at(3), dry_run=False) == 0
        assert await claim(ledger, now=at(9)) == []

    async def test_an_erasure_outlives_the_process(self, ledger: Ledger, reopen: Reopen) -> None:
        key, sequence = await _tell(ledger)
        await ledger.leads.erase("a", at(1))
        other = await reopen()
        assert await other.leads.lead("a") is None
        assert await other.events.find(sequence) is None
        assert [record.key for record in (await other.leads.known([key], [])).records] == [key]
