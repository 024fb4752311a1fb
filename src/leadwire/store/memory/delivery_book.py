"""What people ask of deliveries, in memory."""

from collections.abc import Sequence

import msgspec

from leadwire.model.delivery import Attempt, OwedDelivery
from leadwire.model.times import Instant
from leadwire.ports.delivery_queue import DeliveryFilter, LaneTally
from leadwire.store.memory.commits import Commits
from leadwire.store.memory.state import MemoryState


class MemoryDeliveryBook:
    """A `DeliveryBook`."""

    def __init__(self, state: MemoryState, commits: Commits) -> None:
        self._leads = state.leads
        self._table = state.deliveries
        self._commits = commits

    async def page(self, which: DeliveryFilter, after: str | None, limit: int) -> Sequence[OwedDelivery]:
        found = self._find(which)
        if after is not None:
            last = self._table.rows.get(after)
            found = [row for row in found if last is not None and _age(row) < _age(last)]
        return sorted(found, key=_age, reverse=True)[:limit]

    def _find(self, which: DeliveryFilter) -> list[OwedDelivery]:
        ids = None if which.ids is None else set(which.ids)
        return [
            row
            for row in self._table.rows.values()
            if (ids is None or row.id in ids)
            and which.destination in (None, row.destination)
            and which.sync in (None, row.sync)
            and which.lead_id in (None, row.lead_id)
            and which.state in (None, row.state)
        ]

    async def attempts(self, delivery_ids: Sequence[str]) -> Sequence[Attempt]:
        return [
            attempt
            for delivery_id in dict.fromkeys(delivery_ids)
            for attempt in self._table.attempts.get(delivery_id, ())
        ]

    async def replay(self, which: DeliveryFilter, now: Instant, *, dry_run: bool) -> int:
        ended = [
            row for row in self._find(which) if row.state in ("dead", "delivered") and row.lead_id in self._leads.rows
        ]
        overtaken = [row for row in ended if self._table.is_overtaken(row)]
        replayed = [row for row in ended if not self._table.is_overtaken(row)]
        if dry_run or not ended:
            return len(replayed)
        with self._commits.commit("deliveries.replay"):
            for row in overtaken:
                if row.state == "dead":  # a delivered one stays what it is: the newer version must not be overwritten
                    self._table.end_waiting(row, "superseded", row.reason, now)
            for row in replayed:
                self._table.put(
                    msgspec.structs.replace(row, state="pending", not_before=now, attempts=0, updated_at=now)
                )
        return len(replayed)

    async def drop(self, which: DeliveryFilter, reason: str, now: Instant) -> int:
        dead = [row for row in self._find(which) if row.state == "dead"]
        if dead:
            with self._commits.commit("deliveries.drop"):
                for row in dead:
                    self._table.end_waiting(row, "cancelled", reason, now)
        return len(dead)

    async def tally(self, now: Instant) -> Sequence[LaneTally]:  # noqa: ARG002 - the port gives it
        last_delivered_at = self._table.last_delivered_at
        lanes: dict[str, list[OwedDelivery]] = {destination: [] for destination in sorted(last_delivered_at)}
        for row in self._table.rows.values():
            lanes[row.destination].append(row)
        return [_tally(destination, rows, last_delivered_at[destination]) for destination, rows in lanes.items()]

    async def prune(self, before: Instant, limit: int) -> int:
        ended = [
            row
            for row in self._table.rows.values()
            if row.state in ("superseded", "cancelled") and row.updated_at < before
        ]
        ended.sort(key=lambda row: (row.updated_at, row.id))
        gone = ended[: max(limit, 0)]
        if gone:
            with self._commits.commit("deliveries.prune"):
                for row in gone:
                    self._table.delete(row.id)
        return len(gone)


def _age(row: OwedDelivery) -> tuple[Instant, str]:
    return row.owed_at, row.id


def _tally(destination: str, rows: Sequence[OwedDelivery], last_delivered_at: Instant | None) -> LaneTally:
    owed = [row.owed_at for row in rows if row.state in ("pending", "leased")]
    return LaneTally(
        destination=destination,
        due=len(owed),
        oldest_due_at=min(owed, default=None),
        dead=sum(row.state == "dead" for row in rows),
        last_delivered_at=last_delivered_at,
    )
