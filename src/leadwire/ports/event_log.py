"""The event log: what was pushed to us, raw."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from leadwire.model.event import EventState, NewEvent, StoredEvent
from leadwire.model.times import Instant


class SourceTally(msgspec.Struct, frozen=True, kw_only=True):
    """How a source's events stand."""

    source: str
    last_event_at: Instant | None = None
    unresolved: int = 0
    oldest_unresolved_at: Instant | None = None
    quarantined: int = 0


class EventLog(Protocol):
    """Appends events and keeps them until retention ends. An event leaves the state "stored" through LeadBook.absorb."""

    async def append(self, events: Sequence[NewEvent], now: Instant) -> Sequence[int | None]:
        """Stores the events (fsynced when this returns). Answers the sequence of each, None for one whose dedup key is known.

        Raises StorageFull (nothing stored, may work later) or StorageFailed (stop the process).
        """
        ...

    async def unresolved(self, limit: int) -> Sequence[StoredEvent]:
        """The oldest events in the state "stored"."""
        ...

    async def find(self, sequence: int) -> StoredEvent | None:
        """One event with its raw bytes."""
        ...

    async def page(self, state: EventState | None, after: int | None, limit: int) -> Sequence[StoredEvent]:
        """Events newest first (of one state), with sequences below `after` where given."""
        ...

    async def requeue(self, sequences: Sequence[int], now: Instant) -> int:
        """Quarantined events go back to "stored" to be parsed again; answers how many did."""
        ...

    async def tally(self) -> Sequence[SourceTally]:
        """How every source's events stand."""
        ...

    async def prune(self, before: Instant, limit: int) -> int:
        """Deletes at most `limit` resolved events received before that time; answers how many."""
        ...
