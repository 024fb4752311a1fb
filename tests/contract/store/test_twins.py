"""Whatever is asked of a store and of the memory twin, in whatever order, both answer the same."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

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

LEADS = ("a", "b", "c", "d")
KEYS = ("phone:1", "phone:2", "email:1")
SYNCS = {"crm": "lead", "chat": "record"}
WORDS = ("asha", "rao", "José", "+91 98")

leads = st.sampled_from(LEADS)
syncs = st.sampled_from(sorted(SYNCS))
few = st.integers(0, 3)
whiches = st.one_of(
    st.builds(DeliveryFilter),
    st.builds(DeliveryFilter, sync=syncs),
    st.builds(DeliveryFilter, lead_id=leads),
    st.builds(DeliveryFilter, state=st.sampled_from(["dead", "delivered", "pending"])),
    st.builds(DeliveryFilter, ids=st.lists(st.builds("{}_{}_{}".format, leads, few, syncs))),
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

    @rule(
        lead_id=leads, keys=st.sets(st.sampled_from(KEYS)), owes=st.sets(syncs), words=st.sets(st.sampled_from(WORDS))
    )
    def an_enquiry_comes_in(self, lead_id: str, keys: set[str], owes: set[str], words: set[str]) -> None:
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

    @rule(lead_id=leads, off=st.sampled_from([-1, 1]))
    def someone_was_faster(self, lead_id: str, off: int) -> None:
        now = self._tick()
        version = self._version(lead_id) + off
        change = LeadChange(lead=samples.a_lead(lead_id, version + 1, updated_at=now), previous_version=version)
        assert self._absorb(Absorption(leads=[change], deliveries=[samples.an_owed(lead_id, 99)])) == "busy"

    @precondition(lambda self: self._records)
    @rule(number=st.integers(1, 20), is_stale=st.booleans())
    def a_record_says_more(self, number: int, is_stale: bool) -> None:
        key = RecordKey("site", f"r{number}")
        known = self._both(lambda ledger: _known(ledger, [key], []))
        for record in known.records:
            if record.key == key:
                content = Record(native_id=key.native_id, kind="form", answers={"at": [str(self._tick())]})
                changed = msgspec.structs.replace(record, content=content, fingerprint=f"print {self._now}")
                previous = "stale" if is_stale else record.fingerprint
                self._absorb(Absorption(records=[RecordChange(record=changed, previous=previous)]))

    @rule(kept=leads, absorbed=leads)
    def two_become_one(self, kept: str, absorbed: str) -> None:
        now = self._tick()
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

    @rule(lead_id=leads, sync=syncs)
    def a_sync_no_longer_wants_it(self, lead_id: str, sync: str) -> None:
        self._tick()
        self._absorb(Absorption(withdrawals=[Withdrawal(sync=sync, lead_id=lead_id, reason="unwanted")]))

    @rule(destination=syncs, limit=few, fresh=few, fresh_since_s=st.integers(0, 30), lease_s=st.integers(1, 9))
    def claim(self, destination: str, limit: int, fresh: int, fresh_since_s: int, lease_s: int) -> None:
        now = self._tick()
        asked = DeliveryClaim(
            destination=destination,
            limit=limit,
            fresh=fresh,
            fresh_since=START + seconds(fresh_since_s),
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
            claimed = data.draw(st.sampled_from(self._claims))
            later = now + seconds(data.draw(st.integers(0, 9)))
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

    @rule(is_alone=st.booleans())
    def rescue(self, is_alone: bool) -> None:
        now = self._tick()
        self._both(lambda ledger: ledger.deliveries.rescue(now, owner_is_alone=is_alone))

    @rule(destination=syncs)
    def hasten(self, destination: str) -> None:
        now = self._tick()
        self._both(lambda ledger: ledger.deliveries.hasten(destination, now))

    @rule(which=whiches, dry_run=st.booleans())
    def replay(self, which: DeliveryFilter, dry_run: bool) -> None:
        now = self._tick()
        self._both(lambda ledger: ledger.delivery_book.replay(which, now, dry_run=dry_run))

    @rule(which=whiches)
    def drop(self, which: DeliveryFilter) -> None:
        now = self._tick()
        self._both(lambda ledger: ledger.delivery_book.drop(which, "dropped", now))

    @rule(age_s=st.integers(0, 20), limit=few)
    def prune(self, age_s: int, limit: int) -> None:
        before = self._tick() - seconds(age_s)
        self._both(lambda ledger: ledger.delivery_book.prune(before, limit))

    @rule(lead_id=leads)
    def erase(self, lead_id: str) -> None:
        now = self._tick()
        self._both(lambda ledger: ledger.leads.erase(lead_id, now))

    @rule(lead_id=leads, user=st.sampled_from(["asha", "zoe"]), deed=st.sampled_from(["claim", "release", "contact"]))
    def a_rep_works(self, lead_id: str, user: str, deed: str) -> None:
        now = self._tick()
        self._both(lambda ledger: getattr(ledger.desk, deed)(lead_id, user, now))

    @rule()
    def the_process_restarts(self) -> None:
        self._run(self._other.close())
        self._memory = MemoryLedger(self._memory.state)
        self._other = self._run(self._open_other())

    @invariant()
    def both_hold_the_same(self) -> None:
        self._both(self._deliveries)
        self._both(self._book)

    async def _deliveries(self, ledger: Ledger) -> object:
        rows = await ledger.delivery_book.page(DeliveryFilter(), None, 100)
        pages = [await ledger.delivery_book.page(DeliveryFilter(), row.id, 2) for row in rows[::2]]
        tries = await ledger.delivery_book.attempts(sorted(row.id for row in rows))
        tally = await ledger.delivery_book.tally(self._now)
        return [rows, pages, tries, tally, [await ledger.deliveries.next_due(sync) for sync in SYNCS]]

    async def _book(self, ledger: Ledger) -> object:
        keys = [RecordKey("site", f"r{number}") for number in range(1, self._records + 1)]
        return [
            await _known(ledger, keys, KEYS),
            [await ledger.leads.page(LeadQuery(text=text)) for text in ("", "as", "jos 9", "rao")],
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
            max_examples=40,
            stateful_step_count=40,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
