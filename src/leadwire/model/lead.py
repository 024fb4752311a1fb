"""A lead: the person (or, with identity off, the row) that its records speak of."""

from typing import Literal

import msgspec

from leadwire.model.times import Instant

DeskState = Literal["new", "claimed", "contacted"]


class Lead(msgspec.Struct, frozen=True, kw_only=True):
    """A lead as the lead book keeps it. `document` is the lead document of this `version` as JSON; a version only grows.

    `merged_into` names the lead that took over this one's records; such a lead is kept for its history only.
    """

    id: str
    version: int
    created_at: Instant
    updated_at: Instant
    received_at: Instant
    document: msgspec.Raw
    merged_into: str | None = None


class DeskEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A lead with what the sales desk did with it: who claimed it, when it was first opened and first touched."""

    lead: Lead
    state: DeskState = "new"
    claimed_by: str | None = None
    claimed_at: Instant | None = None
    opened_at: Instant | None = None
    first_touch_at: Instant | None = None


class Merge(msgspec.Struct, frozen=True, kw_only=True):
    """Two leads became one: `kept` took over the records of `absorbed`. `reason` names the keys that said so, not their values."""

    id: str
    kept: str
    absorbed: str
    reason: str
    merged_at: Instant
    undone_at: Instant | None = None
