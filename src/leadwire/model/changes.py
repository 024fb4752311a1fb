"""What one step of resolving reads and changes; a ledger reads it in one snapshot and stores it in one commit."""

from collections.abc import Sequence
from typing import Literal

import msgspec

from leadwire.model.delivery import OwedDelivery
from leadwire.model.lead import Lead, Merge
from leadwire.model.pull import Cursor, OwedFetch
from leadwire.model.record import StoredRecord


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What the book knows about some records and identity keys.

    `leads` are the leads that hold any of the asked records or keys, none of them merged away; `records` are all records
    of those leads (and asked ones whose lead was erased, without content); `owners` maps each known identity key to its
    lead's id; `keys` maps each of those leads to all its keys.
    """

    leads: Sequence[Lead] = ()
    records: Sequence[StoredRecord] = ()
    owners: dict[str, str] = {}
    keys: dict[str, list[str]] = {}


class RecordChange(msgspec.Struct, frozen=True, kw_only=True):
    """A record as it is to be. `previous` guards it: None = it must be new, else the fingerprint it must have now.

    A new record's sequence is assigned by the book, in the order of the list.
    """

    record: StoredRecord
    previous: str | None


class LeadChange(msgspec.Struct, frozen=True, kw_only=True):
    """A lead as it is to be. `previous_version` guards it (0 = it must be new). `keys` are identity keys that now belong to it
    (taken over from whoever had them). `search` are the words it is found by."""

    lead: Lead
    previous_version: int
    keys: Sequence[str] = ()
    search: str = ""


class EventDone(msgspec.Struct, frozen=True, kw_only=True):
    """An event leaves the state "stored"."""

    sequence: int
    state: Literal["resolved", "quarantined"] = "resolved"
    reason: str | None = None


class FetchDone(msgspec.Struct, frozen=True, kw_only=True):
    """A fetch brought its record (or nothing is left to fetch)."""

    source: str
    native_id: str
    reason: str | None = None


class Withdrawal(msgspec.Struct, frozen=True, kw_only=True):
    """The new version of this lead is not wanted by this sync any more: its pending deliveries are cancelled."""

    sync: str
    lead_id: str
    reason: str


class CursorMove(msgspec.Struct, frozen=True, kw_only=True):
    """Where the pull of a stream resumes."""

    source: str
    stream: str
    cursor: Cursor


class Absorption(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that one step of resolving changes, stored in one commit.

    `deliveries` are new and pending; each supersedes the pending ones of the same sync and lead (grain "lead" only).
    A delivery whose id exists is left as it is. `fetches` are new ids to fetch; one that is known, or whose record is
    known, is left as it is.
    """

    records: Sequence[RecordChange] = ()
    leads: Sequence[LeadChange] = ()
    merges: Sequence[Merge] = ()
    deliveries: Sequence[OwedDelivery] = ()
    withdrawals: Sequence[Withdrawal] = ()
    events: Sequence[EventDone] = ()
    fetches: Sequence[OwedFetch] = ()
    fetched: Sequence[FetchDone] = ()
    cursor: CursorMove | None = None
