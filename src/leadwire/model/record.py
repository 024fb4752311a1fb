"""A record: one enquiry, call, row or visit, parsed out of an event or a pulled page. Values stay as the source gave them."""

from typing import Any, Literal, NamedTuple

import msgspec

from leadwire.model.times import Instant

RecordKind = Literal["form", "call", "row", "visit"]
Via = Literal["webhook", "poll", "stream", "backfill", "reconcile", "manual"]


class RecordKey(NamedTuple):
    """Unique for ever."""

    source: str
    native_id: str


class Attribution(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which advertisement brought the lead; ids are strings, `platform` is "fb" or "ig" for Meta."""

    platform: str | None = None
    campaign_id: str | None = None
    campaign_name: str | None = None
    adset_id: str | None = None
    adset_name: str | None = None
    ad_id: str | None = None
    ad_name: str | None = None
    form_id: str | None = None
    form_name: str | None = None
    page_id: str | None = None
    organic: bool | None = None


class Call(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A phone call. `agent` is bare E.164 and None when the call was missed; `number` is the dialled number."""

    direction: Literal["inbound", "outbound"] | None = None
    duration_s: int | None = None
    answered: bool | None = None
    agent: str | None = None
    recording_url: str | None = None
    number: str | None = None


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a connector parses: the source's own words, no normal forms.

    `native_id` is the source's id for ever. `occurred_at` is the source's time in UTC (None where it gave none).
    `answers` keeps every question that is no standard field, with all its values. `columns` are a table row's columns.
    `source_version` orders changes of the same record where the source numbers them; else occurred_at and arrival do.
    """

    native_id: str
    kind: RecordKind
    occurred_at: Instant | None = None
    full_name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    phone: str | None = None
    city: str | None = None
    country: str | None = None
    company: str | None = None
    answers: dict[str, list[str]] = {}
    attribution: Attribution = Attribution()
    call: Call | None = None
    activity: dict[str, Any] = {}
    columns: dict[str, Any] = {}
    is_test: bool = False
    source_version: int | None = None


class Pointer(msgspec.Struct, frozen=True, kw_only=True):
    """An id to fetch. `scope` is whose token and budget the fetch uses (a page id); `blocked` says why it can't be fetched."""

    native_id: str
    scope: str = "*"
    occurred_at: Instant | None = None
    context: dict[str, str] = {}
    blocked: str | None = None


class Ignored(msgspec.Struct, frozen=True):
    """A part of an event that is no lead and needs nobody's attention; counted under `what` (a few fixed words)."""

    what: str


class Unreadable(msgspec.Struct, frozen=True):
    """A part of an event that should be a lead and can't be read: the event is quarantined, its other parts go on."""

    reason: str


Parsed = Record | Pointer | Ignored | Unreadable


class StoredRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A record as the lead book keeps it. `sequence` is its order of arrival; `fingerprint` is of `content`."""

    sequence: int
    source: str
    lead_id: str
    via: Via
    received_at: Instant
    stored_at: Instant
    content: Record
    fingerprint: str
    event_sequence: int | None = None

    @property
    def key(self) -> RecordKey:
        return RecordKey(self.source, self.content.native_id)
