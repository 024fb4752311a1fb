"""One absorption: all guards first, then all changes, so that a refused one changed nothing."""

import msgspec

from leadwire.model.delivery import OwedDelivery
from leadwire.model.errors import StoreBusy
from leadwire.model.pull import OwedFetch
from leadwire.model.record import RecordKey
from leadwire.model.times import Instant
from leadwire.ports.lead_book import Absorption, EventDone, FetchDone, Withdrawal
from leadwire.rules.search import search_words
from leadwire.store.memory.delivery_table import pair_of
from leadwire.store.memory.record_table import ERASED
from leadwire.store.memory.state import MemoryState


class Absorbing:
    """Call `check`, then `store`."""

    def __init__(self, state: MemoryState, absorption: Absorption, now: Instant) -> None:
        self._state = state
        self._absorption = absorption
        self._now = now

    def check(self) -> None:
        """Raises StoreBusy where a guard fails; a later change of the list is guarded against an earlier one."""
        fingerprints: dict[RecordKey, str] = {}
        for record_change in self._absorption.records:
            key = record_change.record.key
            row = self._state.records.rows.get(key)
            if (
                fingerprints.get(key, row and row.fingerprint) != record_change.previous
                or record_change.previous == ERASED
            ):
                raise StoreBusy
            fingerprints[key] = record_change.record.fingerprint
        versions: dict[str, int] = {}
        for lead_change in self._absorption.leads:
            lead = lead_change.lead
            known = self._state.leads.rows.get(lead.id)
            if versions.get(lead.id, 0 if known is None else known.version) != lead_change.previous_version:
                raise StoreBusy
            versions[lead.id] = lead.version

    def store(self) -> None:
        """Changes everything."""
        self._store_leads()
        self._store_duties()
        if (move := self._absorption.cursor) is not None:
            self._state.cursors[move.source, move.stream] = msgspec.json.encode(move.cursor)

    def _store_leads(self) -> None:
        state, absorption = self._state, self._absorption
        for record_change in absorption.records:
            state.records.put(record_change.record)
        for lead_change in absorption.leads:
            state.leads.put(lead_change.lead, search_words(lead_change.search))
            for key in lead_change.keys:
                state.leads.give_key(key, lead_change.lead.id)
        for merge in absorption.merges:
            state.leads.merges[merge.id] = merge

    def _store_duties(self) -> None:
        for delivery in self._absorption.deliveries:
            self._owe(delivery)
        for withdrawal in self._absorption.withdrawals:
            self._withdraw(withdrawal)
        for event in self._absorption.events:
            self._end_event(event)
        for fetch in self._absorption.fetches:
            self._owe_fetch(fetch)
        for done in self._absorption.fetched:
            self._end_fetch(done)

    def _owe(self, delivery: OwedDelivery) -> None:
        table = self._state.deliveries
        if delivery.id in table.rows:
            return
        if delivery.grain == "lead":
            for other in list(table.siblings(pair_of(delivery))):
                if other.state == "pending" and other.grain == "lead":
                    table.end_waiting(other, "superseded", other.reason, self._now)
        table.put(delivery)

    def _withdraw(self, withdrawal: Withdrawal) -> None:
        table = self._state.deliveries
        for row in list(table.siblings((withdrawal.sync, withdrawal.lead_id))):
            if row.state == "pending":
                table.end_waiting(row, "cancelled", withdrawal.reason, self._now)

    def _end_event(self, done: EventDone) -> None:
        event = self._state.events.rows.get(done.sequence)
        if event is None or event.state != "stored":
            return
        failed = done.state == "quarantined"
        self._state.events.put(
            msgspec.structs.replace(event, state=done.state, reason=done.reason, attempts=event.attempts + failed)
        )

    def _owe_fetch(self, fetch: OwedFetch) -> None:
        key = RecordKey(fetch.source, fetch.native_id)
        if key in self._state.fetches.rows or self._state.is_record_known(key):
            return
        self._state.fetches.put(msgspec.structs.replace(fetch, context=dict(fetch.context), updated_at=self._now))

    def _end_fetch(self, done: FetchDone) -> None:
        fetch = self._state.fetches.rows.get(RecordKey(done.source, done.native_id))
        if fetch is not None:
            self._state.fetches.put(
                msgspec.structs.replace(fetch, state="done", reason=done.reason, updated_at=self._now)
            )
