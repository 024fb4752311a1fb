"""An event: one inbound fact exactly as it was pushed to us, appended once and never changed."""

from typing import Literal

import msgspec

from leadwire.model.times import Instant

EventState = Literal["stored", "resolved", "quarantined"]


class RawRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request as its bytes came in. `headers` have lower-case names and keep repeats; `query` is undecoded."""

    method: str
    path: str
    query: bytes
    headers: tuple[tuple[str, str], ...]
    body: bytes
    received_at: Instant

    def header(self, name: str) -> str | None:
        """The value of a header that stands exactly once; None where it is absent or repeated."""
        values = [value for key, value in self.headers if key == name]
        return values[0] if len(values) == 1 else None


class NewEvent(msgspec.Struct, frozen=True, kw_only=True):
    """What the door hands to the event log. `dedup_key` is 16 bytes, unique per source for as long as events are kept."""

    source: str
    dedup_key: bytes
    request: RawRequest


class StoredEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event as the log keeps it. `sequence` grows with every append; `attempts` counts parses that failed."""

    sequence: int
    source: str
    request: RawRequest
    stored_at: Instant
    state: EventState = "stored"
    attempts: int = 0
    reason: str | None = None
