"""Deliveries with the indexes that keep a claim cheap."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

import msgspec

from leadwire.model.delivery import Attempt, DeliveryState, OwedDelivery
from leadwire.model.times import Instant

Pair: TypeAlias = tuple[str, str]


def pair_of(row: OwedDelivery) -> Pair:
    """The sync and the lead, of which one delivery at a time may be under way."""
    return row.sync, row.lead_id


@dataclass(slots=True)
class DeliveryTable:
    """Deliveries by id with their attempts. `reached` remembers for which sync and lead a version was ever delivered,
    `last_delivered_at` every destination that was ever owed something; both outlive the deliveries."""

    rows: dict[str, OwedDelivery] = field(default_factory=dict)
    attempts: dict[str, list[Attempt]] = field(default_factory=dict)
    pending: dict[str, dict[str, None]] = field(default_factory=dict)
    leased: dict[str, Pair] = field(default_factory=dict)
    of_pair: dict[Pair, dict[str, None]] = field(default_factory=dict)
    reached: set[Pair] = field(default_factory=set)
    last_delivered_at: dict[str, Instant | None] = field(default_factory=dict)

    def put(self, row: OwedDelivery) -> None:
        """Stores the delivery as it is now."""
        self.rows[row.id] = row
        self.of_pair.setdefault(pair_of(row), {})[row.id] = None
        waiting = self.pending.setdefault(row.destination, {})
        if row.state == "pending":
            waiting[row.id] = None
        else:
            waiting.pop(row.id, None)
        if row.state == "leased":
            self.leased[row.id] = pair_of(row)
        else:
            self.leased.pop(row.id, None)
        last = self.last_delivered_at.setdefault(row.destination, None)
        if row.state == "delivered":
            self.reached.add(pair_of(row))
            self.last_delivered_at[row.destination] = max(last or 0, row.delivered_at or 0)

    def delete(self, delivery_id: str) -> None:
        """Forgets a delivery with its attempts."""
        row = self.rows.pop(delivery_id)
        self.attempts.pop(delivery_id, None)
        self.pending[row.destination].pop(delivery_id, None)
        self.leased.pop(delivery_id, None)
        siblings = self.of_pair[pair_of(row)]
        del siblings[delivery_id]
        if not siblings:
            del self.of_pair[pair_of(row)]

    def note(self, attempt: Attempt) -> None:
        """Appends an attempt."""
        self.attempts.setdefault(attempt.delivery_id, []).append(attempt)

    def siblings(self, pair: Pair) -> Iterator[OwedDelivery]:
        """All deliveries of a sync and a lead."""
        return (self.rows[delivery_id] for delivery_id in self.of_pair.get(pair, ()))

    def waiting(self, destination: str) -> Iterator[OwedDelivery]:
        """The pending deliveries of a destination."""
        return (self.rows[delivery_id] for delivery_id in self.pending.get(destination, ()))

    def is_overtaken(self, row: OwedDelivery, by: Collection[DeliveryState] | None = None) -> bool:
        """Whether a newer version of the same sync and lead is in one of these states (any, where none is given).

        Never one of grain "record": each record is its own duty.
        """
        if row.grain == "record":
            return False
        return any(
            other.version > row.version and other.grain == "lead" and (by is None or other.state in by)
            for other in self.siblings(pair_of(row))
        )

    def end_waiting(self, row: OwedDelivery, state: DeliveryState, reason: str | None, now: Instant) -> None:
        """A delivery ends without having been delivered."""
        ended = msgspec.structs.replace(row, state=state, reason=reason, updated_at=now, lease_until=None, owner=None)
        self.put(ended)
