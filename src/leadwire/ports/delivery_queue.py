"""The delivery queue: what is owed to every destination, and what became of it."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from leadwire.model.delivery import Attempt, ClaimedDelivery, DeliveryState, OwedDelivery, Settlement
from leadwire.model.times import Instant


class DeliveryClaim(msgspec.Struct, frozen=True, kw_only=True):
    """What to claim for one destination: first up to `fresh` due deliveries received at or after `fresh_since` (newest first),
    then up to `limit` in all, in the order they became due."""

    destination: str
    limit: int
    fresh: int
    fresh_since: Instant
    now: Instant
    lease_until: Instant
    owner: str


class DeliveryFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which deliveries; every given field must match."""

    ids: Sequence[str] | None = None
    destination: str | None = None
    sync: str | None = None
    lead_id: str | None = None
    state: DeliveryState | None = None


class LaneTally(msgspec.Struct, frozen=True, kw_only=True):
    """How a destination's deliveries stand. `due` and `oldest_due_at` count whatever is owed and not delivered, by `owed_at`."""

    destination: str
    due: int = 0
    oldest_due_at: Instant | None = None
    dead: int = 0
    last_delivered_at: Instant | None = None


class DeliveryQueue(Protocol):
    """Leases owed deliveries to a lane and keeps them owed until they are delivered or visible dead letters."""

    async def claim(self, claim: DeliveryClaim) -> Sequence[ClaimedDelivery]:
        """Leases due deliveries; each gets a new epoch. Never one whose lead has another delivery of the same sync leased (order)."""
        ...

    async def settle(self, settlements: Sequence[Settlement], now: Instant) -> Sequence[str]:
        """Ends leases and appends their attempts, in one commit. A "pending" one for which a newer version of the same sync and
        lead is owed or delivered becomes superseded. Answers the ids that were refused because their epoch is old."""
        ...

    async def rescue(self, now: Instant, *, owner_is_alone: bool) -> int:
        """Takes back leases that ran out (all of them where no other owner can be alive): pending again and due now, uncertain,
        with an attempt of outcome "unknown" (or superseded, as in settle). Answers how many."""
        ...

    async def hasten(self, destination: str, now: Instant) -> int:
        """Pending deliveries that wait for a retry become due now: the destination is back. Answers how many."""
        ...

    async def next_due(self, destination: str) -> Instant | None:
        """When the earliest pending delivery is due; None where none is pending."""
        ...


class DeliveryBook(Protocol):
    """What people ask of deliveries."""

    async def page(self, which: DeliveryFilter, after: str | None, limit: int) -> Sequence[OwedDelivery]:
        """Deliveries newest first (by owed_at, id); `after` is the id of the last one of the page before."""
        ...

    async def attempts(self, delivery_ids: Sequence[str]) -> Sequence[Attempt]:
        """Their attempts, in order."""
        ...

    async def replay(self, which: DeliveryFilter, now: Instant, *, dry_run: bool) -> int:
        """Dead and delivered ones become pending and due now with their attempts counted from 0 and their key kept; a dead one
        of an older version becomes superseded where a newer one of the same sync and lead exists. Answers how many became
        (or would become) pending."""
        ...

    async def drop(self, which: DeliveryFilter, reason: str, now: Instant) -> int:
        """Dead ones become cancelled, with the reason; answers how many."""
        ...

    async def tally(self, now: Instant) -> Sequence[LaneTally]:
        """How every destination's deliveries stand."""
        ...

    async def prune(self, before: Instant, limit: int) -> int:
        """Deletes at most `limit` deliveries (with their attempts) that ended as superseded or cancelled before that time."""
        ...
