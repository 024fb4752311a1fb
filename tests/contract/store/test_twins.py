"""Whatever is asked of a store and of the memory twin, in whatever order, both answer the same."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from leadwire.model.delivery import ClaimedDelivery, Settlement
from leadwire.model.errors import StoreBusy
from leadwire.model.lead import Merge
from leadwire.model.record import Record, RecordKey
from leadwire.model.times import SECOND, seconds
from leadwire.ports.delivery_queue import DeliveryClaim, DeliveryFilter
from leadwire.ports.desk import DeskQuery
from leadwire.ports.lead_book import Absorption, Known, LeadChange, LeadQuery, RecordChange, Withdrawal
from leadwire.ports.ledger import Ledger
from leadwire.store.memory import MemoryLedger
from leadwire.testing.ledger_contract import samples
from leadwire.testing.manual_clock import START

LEADS = ("a", "b", "c")
KEYS = ("phone:1", "phone:2", "email:1")
SYNCS = {"crm": "lead", "chat": "record"}
WORDS = ("asha", "rao", "José", "+91 98")

leads = st.sampled_from(LEADS)
syncs = st.sampled_from(sorted(SYNCS))
some = st.integers(1, 3)
whiches = st.one_of(
    st.builds(DeliveryFilter),
    st.builds(DeliveryFilter, sync=syncs),
    st.builds(DeliveryFilter, lead_id=leads),
    st.builds(DeliveryFilter, state=st.sampled_from(["dead", "delivered", "pending"])),
    st.builds(DeliveryFilter, ids=st.lists(st.builds("{}_{}_{}".format, leads, some, syncs))),
)

Open = Callable[[], Awaitable[Ledger]]


def _plain(value: object) -> object:
    """Comparable, with documents as text."""
    return msgspec.to_builtins(value, enc_hook=lambda raw: bytes(raw).decode())


async def _known(ledger: Ledger, records: Sequence[RecordKey], keys: Sequence[str]) -> Known:
    """What the book knows, in one order."""
    known = await ledger.leads.known(records, keys)
    return Known(
        leads=sorted(known.leads, key=lambda lead: lead.id),
        records=sorted(known.records, key=lambda record: record.sequence),
        owners=known.owners,
        keys={lead_id: sorted(held) for lead_id, held in known.keys.items()},
    )


class Twins(RuleBasedStateMachine):
    """Drives both; time goes on by a second with every step, so that nothing happens at the same instant by chance."""

    def __init__(self, open_other: Open) -> None:
        super().__init__()
        self._runner = asyncio.Runner()
        self._open_other = open_other
        self._memory = MemoryLedger()
        self._other = self._run(open_other())
        self._now = START
        self._records = 0
        self._merges = 0
        self._claims: list[ClaimedDelivery] = []

    def teardown(self) -> None:
        self._run(self._other.close())
        self._runner.close()

    def _run(self, work: Awaitable[Any]) -> Any:
        async def await_it() -> Any:
            return await work

        return self._runner.run(await_it())

    def _both(self, act: Callable[[Ledger], Awaitable[Any]]) -> Any:
        """Does it on both; answers what the memory twin answered."""
        answers: list[Any] = []
        for ledger in (self._memory, self._other):
            try:
                answers.append(self._run(act(ledger)))
            except StoreBusy:
                answers.append("busy")
        assert _plain(answers[0]) == _plain(answers[1])
        return answers[0]

    def _tick(self) -> int:
        self._now += SECOND
        return self._now

    def _version(self, lead_id: str) -> int:
        lead = self._memory.state.leads.rows.get(lead_id)
        return 0 if lead is None else lead.version

    def _absorb(self, absorption: Absorption) -> Any:
        now = self._now
        return self._both(lambda ledger: ledger.leads.absorb(absorption, now))

    @initialize()
    def three_people_have_enquired(self) -> None:
        for lead_id in LEADS:
            self._enquire(lead_id, {"phone:1"}, set(SYNCS), {"asha"})

    @rule(
        lead_id=leads,
        keys=st.sets(st.sampled_from(KEYS)),
        owes=st.sampled_from([set(SYNCS), set(SYNCS), {"crm"}, {"chat"}, set()]),
        words=st.sets(st.sampled_from(WORDS)),
    )
    def an_enquiry_comes_in(self, lead_id: str, keys: set[str], owes: set[str], words: set[str]) -> None:
        self._enquire(lead_id, keys, owes, words)

    def _enquire(self, lead_id: str, keys: set[str], owes: set[str], words: set[str]) -> None:
        now = self._tick()
        version = self._version(lead_id) + 1
        self._records += 1
        times = {"received_at": now, "stored_at": now}
        record = samples.a_record(f"r{self._records}", lead_id, **times)
        owed = [
            samples.an_owed(
                lead_id,
                version,
                sync=sync,
                grain=SYNCS[sync],
                owed_at=now,
                received_at=now,
                not_before=now,
                updated_at=now,
            )
            for sync in sorted(owes)
        ]
        change = LeadChange(
            lead=samples.a_lead(lead_id, version, updated_at=now, received_at=now),
            previous_version=version - 1,
            keys=sorted(keys),
            search=" ".join(sorted(words)),
        )
        new = RecordChange(record=record, previous=None)
        assert self._absorb(Absorption(records=[new], leads=[change], deliveries=owed)) is None

    @rule(number=st.integers(1, 9), is_stale=st.booleans())
    def a_record_says_more(self, number: int, is_stale: bool) -> None:
        key = RecordKey("site", f"r{number}")
        known = self._both(lambda ledger: _known(ledger, [key], []))
        for record in known.records:
            if record.key == key:
                content = Record(native_id=key.native_id, kind="form", answers={"at": [str(self._tick())]})
                changed = msgspec.structs.replace(record, content=content, fingerprint=f"print {self._now}")
                previous = "stale" if is_stale else record.fingerprint
                self._absorb(Absorption(records=[RecordChange(record=changed, previous=previous)]))

    @rule(
        what=st.sampled_from(["merge", "withdraw", "erase", "stale", "restart"]), lead_id=leads, other=leads, sync=syncs
    )
    def something_rare_happens(self, what: str, lead_id: str, other: str, sync: str) -> None:
        now = self._tick()
        match what:
            case "merge":
                self._merge(lead_id, other)
            case "withdraw":
                self._absorb(Absorption(withdrawals=[Withdrawal(sync=sync, lead_id=lead_id, reason="unwanted")]))
            case "erase":
                self._both(lambda ledger: ledger.leads.erase(lead_id, now))
            case "stale":
                self._come_too_late(lead_id)
            case _:
                self._run(self._other.close())
                self._memory = MemoryLedger(self._memory.state)
                self._other = self._run(self._open_other())

    def _come_too_late(self, lead_id: str) -> None:
        version = self._version(lead_id) + 1
        change = LeadChange(lead=samples.a_lead(lead_id, version + 1, updated_at=self._now), previous_version=version)
        assert self._absorb(Absorption(leads=[change], deliveries=[samples.an_owed(lead_id, 99)])) == "busy"

    def _merge(self, kept: str, absorbed: str) -> None:
        now = self._now
        if kept == absorbed or not self._version(kept) or not self._version(absorbed):
            return
        self._merges += 1
        moved = self._both(lambda ledger: ledger.leads.records(absorbed))
        rows = self._memory.state.leads
        absorption = Absorption(
            records=[
                RecordChange(record=msgspec.structs.replace(record, lead_id=kept), previous=record.fingerprint)
                for record in moved
            ],
            leads=[
                LeadChange(
                    lead=samples.a_lead(kept, self._version(kept) + 1, updated_at=now, received_at=now),
                    previous_version=self._version(kept),
                    keys=list(rows.keys[absorbed]),
                ),
                LeadChange(
                    lead=samples.a_lead(absorbed, self._version(absorbed) + 1, updated_at=now, merged_into=kept),
                    previous_version=self._version(absorbed),
                ),
            ],
            merges=[Merge(id=f"m{self._merges}", kept=kept, absorbed=absorbed, reason="the phone", merged_at=now)],
            withdrawals=[Withdrawal(sync=sync, lead_id=absorbed, reason="merged") for sync in SYNCS],
        )
        self._absorb(absorption)

    @rule(
        destination=syncs,
        limit=some,
        fresh=st.integers(0, 2),
        fresh_s=st.integers(0, 6),
        lease_s=st.integers(1, 6),
    )
    def claim(self, destination: str, limit: int, fresh: int, fresh_s: int, lease_s: int) -> None:
        now = self._tick()
        asked = DeliveryClaim(
            destination=destination,
            limit=limit,
            fresh=fresh,
            fresh_since=now - seconds(fresh_s),
            now=now,
            lease_until=now + seconds(lease_s),
            owner="one",
        )
        self._claims += self._both(lambda ledger: ledger.deliveries.claim(asked))

    @precondition(lambda self: self._claims)
    @rule(
        data=st.data(),
        ends=st.lists(st.sampled_from(["delivered", "dead", "waits", "released"]), min_size=1, max_size=3),
    )
    def settle(self, data: st.DataObject, ends: Sequence[str]) -> None:
        now = self._tick()
        settlements: list[Settlement] = []
        for end in ends:
            claimed = data.draw(st.sampled_from(self._claims[-4:]))
            later = now + seconds(data.draw(st.integers(0, 4)))
            settlements.append(
                {
                    "delivered": samples.delivered(claimed),
                    "dead": samples.dead(claimed),
                    "waits": samples.waits(claimed, later, uncertain=True, reason="503"),
                    "released": samples.waits(claimed, later, attempt=None),
                }[end]
            )
        self._both(lambda ledger: self._refused(ledger, settlements))

    async def _refused(self, ledger: Ledger, settlements: Sequence[Settlement]) -> list[str]:
        return sorted(await ledger.deliveries.settle(settlements, self._now))

    @rule(how=st.sampled_from(["rescue", "rescue all", "hasten"]), destination=syncs)
    def deliveries_are_taken_up_again(self, how: str, destination: str) -> None:
        now = self._tick()
        if how == "hasten":
            self._both(lambda ledger: ledger.deliveries.hasten(destination, now))
        else:
            self._both(lambda ledger: ledger.deliveries.rescue(now, owner_is_alone=how == "rescue all"))

    @rule(which=whiches, dry_run=st.sampled_from([False, False, True]))
    def replay(self, which: DeliveryFilter, dry_run: bool) -> None:
        now = self._tick()
        self._both(lambda ledger: ledger.delivery_book.replay(which, now, dry_run=dry_run))

    @rule(which=whiches, age_s=st.integers(0, 4), limit=some)
    def drop_and_prune(self, which: DeliveryFilter, age_s: int, limit: int) -> None:
        now = self._tick()
        self._both(lambda ledger: ledger.delivery_book.drop(which, "dropped", now))
        self._both(lambda ledger: ledger.delivery_book.prune(now - seconds(age_s), limit))

    @rule(lead_id=leads, user=st.sampled_from(["asha", "zoe"]), deed=st.sampled_from(["claim", "release", "contact"]))
    def a_rep_works(self, lead_id: str, user: str, deed: str) -> None:
        now = self._tick()
        self._both(lambda ledger: getattr(ledger.desk, deed)(lead_id, user, now))

    @invariant()
    def both_hold_the_same(self) -> None:
        self._both(self._deliveries)
        self._both(self._book)

    async def _deliveries(self, ledger: Ledger) -> object:
        rows = await ledger.delivery_book.page(DeliveryFilter(), None, 100)
        pages = [await ledger.delivery_book.page(DeliveryFilter(), row.id, 2) for row in rows[1::4]]
        tries = await ledger.delivery_book.attempts(sorted(row.id for row in rows))
        tally = await ledger.delivery_book.tally(self._now)
        return [rows, pages, tries, tally, [await ledger.deliveries.next_due(sync) for sync in SYNCS]]

    async def _book(self, ledger: Ledger) -> object:
        keys = [RecordKey("site", f"r{number}") for number in range(1, self._records + 1)]
        return [
            await _known(ledger, keys, KEYS),
            [await ledger.leads.page(LeadQuery(text=text)) for text in ("", "jos 9")],
            [[await ledger.leads.records(lead_id), await ledger.leads.merges(lead_id)] for lead_id in LEADS],
            await ledger.desk.page(DeskQuery()),
            {state: count for state, count in (await ledger.desk.counts()).items() if count},
        ]


def test_a_store_and_the_memory_twin_answer_the_same(other_store: Callable[[Path], Open], tmp_path: Path) -> None:
    number = count()

    class Fresh(Twins):
        def __init__(self) -> None:
            folder = tmp_path / str(next(number))
            folder.mkdir()
            super().__init__(other_store(folder))

    run_state_machine_as_test(
        Fresh,
        settings=settings(
            max_examples=80,
            stateful_step_count=40,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
