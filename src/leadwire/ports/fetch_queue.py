"""The fetch queue: ids that sources told us, to be read."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from leadwire.model.pull import FetchSettlement, FetchState, OwedFetch
from leadwire.model.times import Instant


class FetchTally(msgspec.Struct, frozen=True, kw_only=True):
    """How a source's fetches stand."""

    source: str
    due: int = 0
    oldest_due_at: Instant | None = None
    parked: int = 0


class FetchClaim(msgspec.Struct, frozen=True, kw_only=True):
    """What to claim: at most `limit` fetches of a source that are due, none of a scope in `paused_scopes`."""

    source: str
    limit: int
    now: Instant
    lease_until: Instant
    owner: str
    paused_scopes: Sequence[str] = ()


class FetchQueue(Protocol):
    """Keeps every owed id until it brought its record or is parked, visibly, for a human. Fetches enter through LeadBook.absorb."""

    async def claim(self, claim: FetchClaim) -> Sequence[OwedFetch]:
        """Leases due fetches, oldest first; each gets a new epoch."""
        ...

    async def settle(self, settlements: Sequence[FetchSettlement], now: Instant) -> int:
        """Ends leases without a record; answers how many were refused because their epoch is old."""
        ...

    async def rescue(self, now: Instant, *, owner_is_alone: bool) -> int:
        """Takes back leases that ran out (all of them where no other owner can be alive); answers how many."""
        ...

    async def requeue(self, source: str, native_ids: Sequence[str], scopes: Sequence[str], now: Instant) -> int:
        """Parked fetches of these ids or scopes become due now; answers how many."""
        ...

    async def hasten(self, source: str, scopes: Sequence[str], now: Instant) -> int:
        """Pending fetches of these scopes ("*" = of all) become due now: what they waited for may be mended. Answers how many."""
        ...

    async def page(
        self, state: FetchState | None, source: str | None, after: str | None, limit: int
    ) -> Sequence[OwedFetch]:
        """Fetches newest first; `after` is "source/native_id" of the last one of the page before."""
        ...

    async def next_due(self, source: str) -> Instant | None:
        """When the earliest pending fetch is due; None where none is pending."""
        ...

    async def tally(self, now: Instant) -> Sequence[FetchTally]:
        """How every source's fetches stand."""
        ...
