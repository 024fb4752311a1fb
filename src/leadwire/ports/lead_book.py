"""The lead book: records, the leads they speak of, and what is owed because of them."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from leadwire.model.changes import (
    Absorption,
    CursorMove,
    EventDone,
    FetchDone,
    Known,
    LeadChange,
    RecordChange,
    Withdrawal,
)
from leadwire.model.lead import Lead, Merge
from leadwire.model.record import RecordKey, StoredRecord
from leadwire.model.times import Instant

__all__ = [
    "Absorption",
    "CursorMove",
    "EventDone",
    "FetchDone",
    "Known",
    "LeadBook",
    "LeadChange",
    "LeadQuery",
    "RecordChange",
    "Withdrawal",
]


class LeadQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which leads. `text`: every word must begin one of the lead's search words. `since`: updated at or after.
    `after`: the id of the last lead of the page before."""

    text: str = ""
    source: str | None = None
    since: Instant | None = None
    after: str | None = None
    limit: int = 50


class LeadBook(Protocol):
    """Keeps records unique for ever on (source, native_id) and leads at versions that only grow."""

    async def known(self, records: Sequence[RecordKey], keys: Sequence[str]) -> Known:
        """What the book knows about these records and identity keys. One consistent read."""
        ...

    async def absorb(self, absorption: Absorption, now: Instant) -> None:
        """Stores all of it in one commit. Raises StoreBusy, with nothing stored, where a guard fails: read again and repeat."""
        ...

    async def lead(self, lead_id: str) -> Lead | None:
        """One lead, merged away or not."""
        ...

    async def records(self, lead_id: str) -> Sequence[StoredRecord]:
        """A lead's records, oldest first."""
        ...

    async def merges(self, lead_id: str) -> Sequence[Merge]:
        """The merges that this lead took part in, oldest first."""
        ...

    async def page(self, query: LeadQuery) -> Sequence[Lead]:
        """Leads newest first (by id), merged ones left out."""
        ...

    async def erase(self, lead_id: str, now: Instant) -> bool:
        """Removes a lead, its records' contents, its keys, its raw events and pending deliveries; record keys stay, so that it
        is not read again. Answers whether there was one."""
        ...

    async def cursors(self) -> Sequence[CursorMove]:
        """Where every stream resumes."""
        ...
