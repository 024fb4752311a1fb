"""Ids to fetch, with their leases."""

from dataclasses import dataclass, field
from typing import NamedTuple

from leadwire.model.pull import OwedFetch
from leadwire.model.record import RecordKey
from leadwire.model.times import Instant


class FetchLease(NamedTuple):
    """Who fetches it now, and until when."""

    until: Instant
    owner: str


@dataclass(slots=True)
class FetchTable:
    """Fetches by key; the pending ones by source; the leases of those that are under way."""

    rows: dict[RecordKey, OwedFetch] = field(default_factory=dict)
    pending: dict[str, dict[RecordKey, None]] = field(default_factory=dict)
    leases: dict[RecordKey, FetchLease] = field(default_factory=dict)

    def put(self, fetch: OwedFetch, lease: FetchLease | None = None) -> None:
        """Stores the fetch as it is now; without a lease it has none."""
        key = RecordKey(fetch.source, fetch.native_id)
        self.rows[key] = fetch
        waiting = self.pending.setdefault(fetch.source, {})
        if fetch.state == "pending":
            waiting[key] = None
        else:
            waiting.pop(key, None)
        if lease is None:
            self.leases.pop(key, None)
        else:
            self.leases[key] = lease
