"""A lead's whole life through every port, with a restart at each stage."""

import msgspec

from leadwire.model.lead import Merge
from leadwire.model.pull import Cursor
from leadwire.ports.delivery_queue import DeliveryFilter
from leadwire.ports.desk import DeskQuery
from leadwire.ports.fetch_queue import FetchClaim
from leadwire.ports.lead_book import Absorption, CursorMove, EventDone, FetchDone, LeadChange, RecordChange
from leadwire.ports.ledger import Ledger
from leadwire.testing.ledger_contract.samples import (
    START,
    Reopen,
    a_fetch,
    a_lead,
    absorb_lead,
    an_event,
    at,
    claim,
    delivered,
    lead_absorption,
    waits,
)


class WholeLifeContract:
    async def test_health_makes_a_durable_write_and_tells(self, ledger: Ledger) -> None:
        health = await ledger.health(START)
        assert (health.writable, health.reason) == (True, None)
        await absorb_lead(ledger, "a")
        assert (await ledger.health(at(1))).commits > health.commits

    async def test_a_pushed_id_becomes_a_fetched_lead_that_is_delivered_and_called(
        self, ledger: Ledger, reopen: Reopen
    ) -> None:
        [sequence] = await ledger.events.append([an_event(1, source="meta")], START)
        assert sequence is not None
        ledger = await reopen()
        [event] = await ledger.events.unresolved(10)
        owed = a_fetch("a-1", event_sequence=event.sequence)
        await ledger.leads.absorb(Absorption(events=[EventDone(sequence=sequence)], fetches=[owed]), at(1))
        ledger = await reopen()
        asked = FetchClaim(source="meta", limit=9, now=at(1), lease_until=at(61), owner="one")
        [fetch] = await ledger.fetches.claim(asked)
        born = lead_absorption("a", when=at(2), keys=["phone:+919876543210"], search="Asha Rao")
        record = msgspec.structs.replace(born.records[0].record, source="meta", event_sequence=fetch.event_sequence)
        done = msgspec.structs.replace(
            born,
            records=[RecordChange(record=record, previous=None)],
            fetched=[FetchDone(source="meta", native_id="a-1")],
        )
        await ledger.leads.absorb(done, at(2))
        ledger = await reopen()
        [first] = await claim(ledger, now=at(3))
        await ledger.deliveries.settle([waits(first, at(5))], at(4))
        ledger = await reopen()
        [second] = await claim(ledger, now=at(5))
        assert second.is_first
        assert second.delivery.id == first.delivery.id
        await ledger.deliveries.settle([delivered(second)], at(6))
        assert await ledger.desk.claim("a", "asha", at(7))
        ledger = await reopen()
        [entry] = await ledger.desk.page(DeskQuery(text="rao"))
        assert (entry.lead.id, entry.claimed_by) == ("a", "asha")
        assert [one.outcome for one in await ledger.delivery_book.attempts([first.delivery.id])] == [
            "retryable",
            "delivered",
        ]
        assert [tally.due for tally in await ledger.delivery_book.tally(at(9))] == [0]

    async def test_five_changes_during_an_outage_become_one_delivery_of_the_newest(self, ledger: Ledger) -> None:
        for version in range(1, 6):
            await absorb_lead(ledger, "a", version, when=at(version))
        [claimed] = await claim(ledger, now=at(9))
        assert msgspec.json.decode(claimed.document)["version"] == 5
        await ledger.deliveries.settle([delivered(claimed)], at(10))
        states = [row.state for row in await ledger.delivery_book.page(DeliveryFilter(), None, 9)]
        assert states == ["delivered"] + ["superseded"] * 4

    async def test_a_page_and_its_cursor_are_one_commit(self, ledger: Ledger, reopen: Reopen) -> None:
        move = CursorMove(source="site", stream="rows", cursor=Cursor(position={"at": 5}))
        await ledger.leads.absorb(msgspec.structs.replace(lead_absorption("a"), cursor=move), START)
        ledger = await reopen()
        assert list(await ledger.leads.cursors()) == [move]
        assert await ledger.leads.lead("a") is not None

    async def test_two_leads_become_one_and_owe_one_delivery(self, ledger: Ledger) -> None:
        await absorb_lead(ledger, "a", keys=["phone:1"])
        second = await absorb_lead(ledger, "b", keys=["email:b"])
        known = await ledger.leads.known([], ["phone:1", "email:b"])
        moved = [
            RecordChange(record=msgspec.structs.replace(record, lead_id="a"), previous=record.fingerprint)
            for record in known.records
            if record.key == second
        ]
        grown = lead_absorption("a", 2, when=at(1), keys=["email:b"])
        gone = LeadChange(lead=a_lead("b", 2, merged_into="a"), previous_version=1)
        merge = Merge(id="m", kept="a", absorbed="b", reason="the phone and the email", merged_at=at(1))
        merging = msgspec.structs.replace(
            grown, records=[*moved, *grown.records], leads=[*grown.leads, gone], merges=[merge]
        )
        await ledger.leads.absorb(merging, at(1))
        assert len(await ledger.leads.records("a")) == 3
        assert [lead.id for lead in (await ledger.leads.known([], ["phone:1", "email:b"])).leads] == ["a"]
        assert [entry.lead.id for entry in await ledger.desk.page(DeskQuery())] == ["a"]
