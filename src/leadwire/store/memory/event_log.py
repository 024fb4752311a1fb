"""The event log in memory."""

from collections.abc import Sequence

import msgspec

from leadwire.model.event import EventState, NewEvent, StoredEvent
from leadwire.model.times import Instant
from leadwire.ports.event_log import SourceTally
from leadwire.store.memory.commits import Commits
from leadwire.store.memory.state import MemoryState


class MemoryEventLog:
    """An `EventLog`."""

    def __init__(self, state: MemoryState, commits: Commits) -> None:
        self._table = state.events
        self._commits = commits

    async def append(self, events: Sequence[NewEvent], now: Instant) -> Sequence[int | None]:
        known = self._table.sequences
        fresh: dict[tuple[str, bytes], int] = {}
        answer: list[int | None] = []
        for event in events:
            key = (event.source, event.dedup_key)
            if key in known or key in fresh:
                answer.append(None)
            else:
                fresh[key] = self._table.last_sequence + len(fresh) + 1
                answer.append(fresh[key])
        if not fresh:
            return answer
        with self._commits.commit("events.append"):
            for event, sequence in zip(events, answer, strict=True):
                if sequence is not None:
                    self._append(event, sequence, now)
        return answer

    def _append(self, event: NewEvent, sequence: int, now: Instant) -> None:
        table = self._table
        table.last_sequence = sequence
        table.sequences[event.source, event.dedup_key] = sequence
        table.dedup_keys[sequence] = (event.source, event.dedup_key)
        received_at = event.request.received_at
        table.last_event_at[event.source] = max(table.last_event_at.get(event.source, received_at), received_at)
        table.put(StoredEvent(sequence=sequence, source=event.source, request=event.request, stored_at=now))

    async def unresolved(self, limit: int) -> Sequence[StoredEvent]:
        return [self._table.rows[sequence] for sequence in sorted(self._table.unresolved)[:limit]]

    async def find(self, sequence: int) -> StoredEvent | None:
        return self._table.rows.get(sequence)

    async def page(self, state: EventState | None, after: int | None, limit: int) -> Sequence[StoredEvent]:
        found = [
            event
            for event in self._table.rows.values()
            if (state is None or event.state == state) and (after is None or event.sequence < after)
        ]
        return sorted(found, key=lambda event: -event.sequence)[:limit]

    async def requeue(self, sequences: Sequence[int], now: Instant) -> int:  # noqa: ARG002 - the port gives it
        rows = self._table.rows
        found = [rows[sequence] for sequence in dict.fromkeys(sequences) if sequence in rows]
        quarantined = [event for event in found if event.state == "quarantined"]
        if quarantined:
            with self._commits.commit("events.requeue"):
                for event in quarantined:
                    self._table.put(msgspec.structs.replace(event, state="stored", reason=None))
        return len(quarantined)

    async def tally(self) -> Sequence[SourceTally]:
        by_source: dict[str, list[StoredEvent]] = {source: [] for source in sorted(self._table.last_event_at)}
        for event in self._table.rows.values():
            by_source[event.source].append(event)
        return [_tally(source, events, self._table.last_event_at[source]) for source, events in by_source.items()]

    async def prune(self, before: Instant, limit: int) -> int:
        old = [
            event.sequence
            for event in self._table.rows.values()
            if event.state == "resolved" and event.request.received_at < before
        ][: max(limit, 0)]
        if old:
            with self._commits.commit("events.prune"):
                for sequence in old:
                    self._table.delete(sequence)
        return len(old)


def _tally(source: str, events: Sequence[StoredEvent], last_event_at: Instant) -> SourceTally:
    waiting = [event.request.received_at for event in events if event.state == "stored"]
    return SourceTally(
        source=source,
        last_event_at=last_event_at,
        unresolved=len(waiting),
        oldest_unresolved_at=min(waiting, default=None),
        quarantined=sum(event.state == "quarantined" for event in events),
    )
