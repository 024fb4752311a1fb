"""The lead book in memory."""

from collections.abc import Sequence

import msgspec

from leadwire.model.lead import Lead, Merge
from leadwire.model.pull import Cursor
from leadwire.model.record import RecordKey, StoredRecord
from leadwire.model.times import Instant
from leadwire.ports.lead_book import Absorption, CursorMove, Known, LeadQuery
from leadwire.rules.search import is_found, search_words
from leadwire.store.memory.absorbing import Absorbing
from leadwire.store.memory.commits import Commits
from leadwire.store.memory.state import MemoryState

_decode_cursor = msgspec.json.Decoder(Cursor).decode


class MemoryLeadBook:
    """A `LeadBook`."""

    def __init__(self, state: MemoryState, commits: Commits) -> None:
        self._state = state
        self._commits = commits

    async def known(self, records: Sequence[RecordKey], keys: Sequence[str]) -> Known:
        table, leads = self._state.records, self._state.leads
        asked = [RecordKey(*key) for key in records]
        owners = {key: leads.owners[key] for key in keys if key in leads.owners}
        holders = {table.rows[key].lead_id for key in asked if key in table.rows} | set(owners.values())
        found = [lead_id for lead_id in sorted(holders) if self._is_present(lead_id)]
        wanted = dict.fromkeys(asked)
        for lead_id in found:
            wanted |= table.of_lead.get(lead_id, {})
        return Known(
            leads=[leads.rows[lead_id] for lead_id in found],
            records=table.read(wanted),
            owners=owners,
            keys={lead_id: list(leads.keys[lead_id]) for lead_id in found},
        )

    def _is_present(self, lead_id: str) -> bool:
        lead = self._state.leads.rows.get(lead_id)
        return lead is not None and lead.merged_into is None

    async def absorb(self, absorption: Absorption, now: Instant) -> None:
        absorbing = Absorbing(self._state, absorption, now)
        absorbing.check()
        with self._commits.commit("leads.absorb"):
            absorbing.store()

    async def lead(self, lead_id: str) -> Lead | None:
        return self._state.leads.rows.get(lead_id)

    async def records(self, lead_id: str) -> Sequence[StoredRecord]:
        return self._state.records.lead_records(lead_id)

    async def merges(self, lead_id: str) -> Sequence[Merge]:
        merges = [merge for merge in self._state.leads.merges.values() if lead_id in (merge.kept, merge.absorbed)]
        return sorted(merges, key=lambda merge: (merge.merged_at, merge.id))

    async def page(self, query: LeadQuery) -> Sequence[Lead]:
        asked = search_words(query.text)
        found: list[Lead] = []
        for lead_id in sorted(self._state.leads.rows, reverse=True):
            if len(found) >= query.limit:
                break
            if self._matches(lead_id, query, asked):
                found.append(self._state.leads.rows[lead_id])
        return found

    def _matches(self, lead_id: str, query: LeadQuery, asked: Sequence[str]) -> bool:
        lead = self._state.leads.rows[lead_id]
        return (
            lead.merged_into is None
            and (query.after is None or lead_id < query.after)
            and (query.since is None or lead.updated_at >= query.since)
            and (query.source is None or self._state.has_record_of(lead_id, query.source))
            and is_found(asked, self._state.leads.words[lead_id])
        )

    async def erase(self, lead_id: str, now: Instant) -> bool:
        if lead_id not in self._state.leads.rows:
            return False
        with self._commits.commit("leads.erase"):
            for member in self._family(lead_id):
                self._erase(member, now)
        return True

    def _family(self, lead_id: str) -> list[str]:
        """The lead and all that were merged into it: they speak of the same person."""
        family = [lead_id]
        for member in family:
            family += [lead.id for lead in self._state.leads.rows.values() if lead.merged_into == member]
        return family

    def _erase(self, lead_id: str, now: Instant) -> None:
        state = self._state
        for key in list(state.records.of_lead.get(lead_id, ())):
            event_sequence = state.records.erase(key)
            if event_sequence is not None:
                state.events.delete(event_sequence)
            if (fetch := state.fetches.rows.get(key)) is not None:
                state.fetches.put(msgspec.structs.replace(fetch, context={}), state.fetches.leases.get(key))
        for row in list(state.deliveries.rows.values()):
            if row.lead_id == lead_id and row.state == "pending":
                state.deliveries.end_waiting(row, "cancelled", "the lead was erased", now)
        state.leads.delete(lead_id)

    async def cursors(self) -> Sequence[CursorMove]:
        return [
            CursorMove(source=source, stream=stream, cursor=_decode_cursor(self._state.cursors[source, stream]))
            for source, stream in sorted(self._state.cursors)
        ]
