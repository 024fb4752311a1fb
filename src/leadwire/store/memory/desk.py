"""The sales desk in memory."""

from collections.abc import Sequence

import msgspec

from leadwire.model.lead import DeskEntry, DeskState, Lead
from leadwire.model.times import Instant
from leadwire.ports.desk import DeskQuery
from leadwire.rules.search import is_found, search_words
from leadwire.store.memory.commits import Commits
from leadwire.store.memory.state import DeskMark, MemoryState


class MemoryDesk:
    """A `Desk`."""

    def __init__(self, state: MemoryState, commits: Commits) -> None:
        self._state = state
        self._leads = state.leads
        self._commits = commits

    async def page(self, query: DeskQuery) -> Sequence[DeskEntry]:
        asked = search_words(query.text)
        found = [lead for lead in self._present() if self._matches(lead, query, asked)]
        return [self._entry(lead) for lead in sorted(found, key=_place, reverse=True)[: query.limit]]

    def _matches(self, lead: Lead, query: DeskQuery, asked: Sequence[str]) -> bool:
        mark = self._mark(lead.id)
        return (
            (query.before is None or _place(lead) < query.before)
            and query.state in (None, mark.state)
            and query.claimed_by in (None, mark.claimed_by)
            and (query.source is None or self._state.has_record_of(lead.id, query.source))
            and is_found(asked, self._leads.words[lead.id])
        )

    async def entries(self, lead_ids: Sequence[str]) -> Sequence[DeskEntry]:
        return [self._entry(self._leads.rows[one]) for one in dict.fromkeys(lead_ids) if one in self._leads.rows]

    async def claim(self, lead_id: str, user: str, now: Instant) -> bool:
        mark = self._mark(lead_id)
        if not self._is_present(lead_id) or mark.state != "new":
            return False
        self._put("desk.claim", lead_id, _taken(mark, "claimed", user, now))
        return True

    async def release(self, lead_id: str, user: str, now: Instant) -> bool:  # noqa: ARG002 - the port gives it
        mark = self._mark(lead_id)
        if mark.claimed_by != user:
            return False
        self._put("desk.release", lead_id, msgspec.structs.replace(mark, state="new", claimed_by=None, claimed_at=None))
        return True

    async def contact(self, lead_id: str, user: str, now: Instant) -> bool:
        mark = self._mark(lead_id)
        if not self._is_present(lead_id) or mark.claimed_by not in (None, user):
            return False
        self._put("desk.contact", lead_id, _taken(mark, "contacted", user, now))
        return True

    async def open(self, lead_id: str, now: Instant) -> None:
        mark = self._mark(lead_id)
        if lead_id in self._leads.rows and mark.opened_at is None:
            self._put("desk.open", lead_id, msgspec.structs.replace(mark, opened_at=now))

    async def counts(self) -> dict[DeskState, int]:
        counts: dict[DeskState, int] = {"new": 0, "claimed": 0, "contacted": 0}
        for lead in self._present():
            counts[self._mark(lead.id).state] += 1
        return counts

    def _present(self) -> list[Lead]:
        return [lead for lead in self._leads.rows.values() if lead.merged_into is None]

    def _is_present(self, lead_id: str) -> bool:
        lead = self._leads.rows.get(lead_id)
        return lead is not None and lead.merged_into is None

    def _mark(self, lead_id: str) -> DeskMark:
        return self._leads.desk.get(lead_id, DeskMark())

    def _put(self, verb: str, lead_id: str, mark: DeskMark) -> None:
        with self._commits.commit(verb):
            self._leads.desk[lead_id] = mark

    def _entry(self, lead: Lead) -> DeskEntry:
        mark = self._mark(lead.id)
        return DeskEntry(
            lead=lead,
            state=mark.state,
            claimed_by=mark.claimed_by,
            claimed_at=mark.claimed_at,
            opened_at=mark.opened_at,
            first_touch_at=mark.first_touch_at,
        )


def _place(lead: Lead) -> tuple[Instant, str]:
    return lead.received_at, lead.id


def _taken(mark: DeskMark, state: DeskState, user: str, now: Instant) -> DeskMark:
    return msgspec.structs.replace(
        mark,
        state=state,
        claimed_by=user,
        claimed_at=now if mark.claimed_at is None else mark.claimed_at,
        first_touch_at=now if mark.first_touch_at is None else mark.first_touch_at,
    )
