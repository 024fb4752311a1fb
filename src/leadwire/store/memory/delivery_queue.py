"""The delivery queue in memory."""

from collections.abc import Iterable, Sequence

import msgspec

from leadwire.model.delivery import Attempt, ClaimedDelivery, OwedDelivery, Settlement
from leadwire.model.times import Instant
from leadwire.ports.delivery_queue import DeliveryClaim
from leadwire.store.memory.commits import Commits
from leadwire.store.memory.delivery_table import Pair, pair_of
from leadwire.store.memory.state import MemoryState


class MemoryDeliveryQueue:
    """A `DeliveryQueue`."""

    def __init__(self, state: MemoryState, commits: Commits) -> None:
        self._leads = state.leads
        self._table = state.deliveries
        self._commits = commits

    async def claim(self, claim: DeliveryClaim) -> Sequence[ClaimedDelivery]:
        due = [row for row in self._table.waiting(claim.destination) if row.not_before <= claim.now]
        fresh = [row for row in due if row.received_at >= claim.fresh_since]
        fresh.sort(key=lambda row: (row.received_at, row.id), reverse=True)
        due.sort(key=lambda row: (row.not_before, row.owed_at, row.id))
        busy = set(self._table.leased.values())
        taken = _take(fresh, min(claim.fresh, claim.limit), busy)
        taken += _take(due, claim.limit - len(taken), busy)
        if not taken:
            return []
        leased = [
            msgspec.structs.replace(
                row,
                state="leased",
                epoch=row.epoch + 1,
                lease_until=claim.lease_until,
                owner=claim.owner,
                updated_at=claim.now,
            )
            for row in taken
        ]
        with self._commits.commit("deliveries.claim"):
            for row in leased:
                self._table.put(row)
        return [self._claimed(row) for row in leased]

    def _claimed(self, row: OwedDelivery) -> ClaimedDelivery:
        return ClaimedDelivery(
            delivery=row,
            document=self._leads.documents[row.lead_id, row.version],
            is_first=pair_of(row) not in self._table.reached,
        )

    async def settle(self, settlements: Sequence[Settlement], now: Instant) -> Sequence[str]:
        refused: list[str] = []
        accepted: dict[str, Settlement] = {}
        for settlement in settlements:
            row = self._table.rows.get(settlement.delivery_id)
            is_ours = row is not None and row.state == "leased" and row.epoch == settlement.epoch
            if is_ours and settlement.delivery_id not in accepted:
                accepted[settlement.delivery_id] = settlement
            else:
                refused.append(settlement.delivery_id)
        if accepted:
            with self._commits.commit("deliveries.settle"):
                for settlement in accepted.values():
                    self._settle(self._table.rows[settlement.delivery_id], settlement, now)
        return refused

    def _settle(self, row: OwedDelivery, settlement: Settlement, now: Instant) -> None:
        tried = settlement.attempt
        ended = msgspec.structs.replace(
            row,
            state=settlement.state,
            not_before=settlement.not_before,
            uncertain=settlement.uncertain,
            reason=settlement.reason,
            attempts=row.attempts + (tried is not None),
            last_status=row.last_status if tried is None else tried.status,
            delivered_at=now if settlement.state == "delivered" else row.delivered_at,
            updated_at=now,
            lease_until=None,
            owner=None,
        )
        if tried is not None:
            self._table.note(tried)
        self._put_back(ended, now)

    def _put_back(self, row: OwedDelivery, now: Instant) -> None:
        """Stores a delivery whose lease ended; it waits again only where nothing newer and no erasure made it needless."""
        if row.state != "pending":
            self._table.put(row)
        elif row.lead_id not in self._leads.rows:
            self._table.end_waiting(row, "cancelled", "the lead was erased", now)
        elif self._table.is_overtaken(row, ("pending", "leased", "delivered")):
            self._table.end_waiting(row, "superseded", row.reason, now)
        else:
            self._table.put(row)

    async def rescue(self, now: Instant, *, owner_is_alone: bool) -> int:
        leased = [self._table.rows[delivery_id] for delivery_id in self._table.leased]
        lost = [row for row in leased if owner_is_alone or row.lease_until is None or row.lease_until <= now]
        if lost:
            with self._commits.commit("deliveries.rescue"):
                for row in lost:
                    self._rescue(row, now)
        return len(lost)

    def _rescue(self, row: OwedDelivery, now: Instant) -> None:
        self._table.note(
            Attempt(
                delivery_id=row.id,
                number=row.attempts + 1,
                started_at=row.updated_at,
                duration_us=max(now - row.updated_at, 0),
                outcome="unknown",
                detail="the lease ran out before an outcome was stored",
            )
        )
        freed = msgspec.structs.replace(
            row,
            state="pending",
            not_before=now,
            uncertain=True,
            attempts=row.attempts + 1,
            last_status=None,
            reason="the lease ran out before an outcome was stored",
            updated_at=now,
            lease_until=None,
            owner=None,
        )
        self._put_back(freed, now)

    async def hasten(self, destination: str, now: Instant) -> int:
        waiting = [row for row in self._table.waiting(destination) if row.not_before > now]
        if waiting:
            with self._commits.commit("deliveries.hasten"):
                for row in waiting:
                    self._table.put(msgspec.structs.replace(row, not_before=now, updated_at=now))
        return len(waiting)

    async def next_due(self, destination: str) -> Instant | None:
        return min((row.not_before for row in self._table.waiting(destination)), default=None)


def _take(rows: Iterable[OwedDelivery], limit: int, busy: set[Pair]) -> list[OwedDelivery]:
    """The first rows whose lead has nothing of the same sync under way; takes note of theirs in `busy`."""
    taken: list[OwedDelivery] = []
    for row in rows:
        if len(taken) >= limit:
            break
        if pair_of(row) not in busy:
            busy.add(pair_of(row))
            taken.append(row)
    return taken
