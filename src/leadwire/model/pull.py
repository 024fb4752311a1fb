"""What pulling needs to remember: where to resume, which ids to fetch, and who must wait."""

from typing import Any, Literal

import msgspec

from leadwire.model.times import Instant

FetchState = Literal["pending", "leased", "parked", "done"]


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """Where a pull resumes: the newest native time seen (look-back is taken off at the next pull, never stored)."""

    position: dict[str, Any]


class OwedFetch(msgspec.Struct, frozen=True, kw_only=True):
    """An id that a source told us and that must be fetched. `reason` is the last outcome in words for the ops person."""

    source: str
    native_id: str
    scope: str
    received_at: Instant
    not_before: Instant
    occurred_at: Instant | None = None
    context: dict[str, str] = {}
    state: FetchState = "pending"
    attempts: int = 0
    epoch: int = 0
    event_sequence: int | None = None
    reason: str | None = None
    updated_at: Instant = 0


class FetchSettlement(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of a claimed fetch that brought no record: wait until `not_before`, or parked for a human."""

    source: str
    native_id: str
    epoch: int
    state: Literal["pending", "parked"]
    not_before: Instant
    reason: str
    counts: bool = True


class Pause(msgspec.Struct, frozen=True, kw_only=True):
    """A lane or a source scope that waits. `subject` is "destination:NAME" or "source:NAME/SCOPE"; `until` None = until resumed."""

    subject: str
    cause: Literal["manual", "auth", "gone", "retry_after", "throttled"]
    reason: str
    paused_at: Instant
    until: Instant | None = None
