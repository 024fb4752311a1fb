"""The fetch queue in memory."""

from collections.abc import Sequence

import msgspec

from leadwire.model.pull import FetchSettlement, FetchState, OwedFetch
from leadwire.model.record import RecordKey
from leadwire.model.times import Instant
from leadwire.ports.fetch_queue import FetchClaim, FetchTally
from leadwire.store.memory.commits import Commits
from leadwire.store.memory.fetch_table import FetchLease
from leadwire.store.memory.state import MemoryState


class MemoryFetchQueue:
    """A `FetchQueue`."""

    def __init__(self, state: MemoryState, commits: Commits) -> None:
        self._table = state.fetches
        self._commits = commits

    async def claim(self, claim: FetchClaim) -> Sequence[OwedFetch]:
        waiting = (self._table.rows[key] for key in self._table.pending.get(claim.source, ()))
        due = [fetch for fetch in waiting if fetch.not_before <= claim.now and fetch.scope not in claim.paused_scopes]
        due.sort(key=lambda fetch: (fetch.received_at, fetch.native_id))
        taken = due[: max(claim.limit, 0)]
        if not taken:
            return []
        leased = [
            msgspec.structs.replace(fetch, state="leased", epoch=fetch.epoch + 1, updated_at=claim.now)
            for fetch in taken
        ]
        with self._commits.commit("fetches.claim"):
            for fetch in leased:
                self._table.put(fetch, FetchLease(claim.lease_until, claim.owner))
        return [_copy(fetch) for fetch in leased]

    async def settle(self, settlements: Sequence[FetchSettlement], now: Instant) -> int:
        accepted: dict[RecordKey, OwedFetch] = {}
        for settlement in settlements:
            key = RecordKey(settlement.source, settlement.native_id)
            fetch = self._table.rows.get(key)
            if key in accepted or fetch is None or fetch.state != "leased" or fetch.epoch != settlement.epoch:
                continue
            accepted[key] = msgspec.structs.replace(
                fetch,
                state=settlement.state,
                not_before=settlement.not_before,
                reason=settlement.reason,
                attempts=fetch.attempts + settlement.counts,
                updated_at=now,
            )
        if accepted:
            with self._commits.commit("fetches.settle"):
                for fetch in accepted.values():
                    self._table.put(fetch)
        return len(settlements) - len(accepted)

    async def rescue(self, now: Instant, *, owner_is_alone: bool) -> int:
        lost = [key for key, lease in self._table.leases.items() if owner_is_alone or lease.until <= now]
        if lost:
            with self._commits.commit("fetches.rescue"):
                for key in lost:
                    self._make_due(self._table.rows[key], now)
        return len(lost)

    async def requeue(self, source: str, native_ids: Sequence[str], scopes: Sequence[str], now: Instant) -> int:
        parked = [
            fetch
            for fetch in self._table.rows.values()
            if fetch.state == "parked"
            and fetch.source == source
            and (fetch.native_id in native_ids or fetch.scope in scopes)
        ]
        if parked:
            with self._commits.commit("fetches.requeue"):
                for fetch in parked:
                    self._make_due(fetch, now)
        return len(parked)

    async def hasten(self, source: str, scopes: Sequence[str], now: Instant) -> int:
        waiting = [
            fetch
            for fetch in (self._table.rows[key] for key in self._table.pending.get(source, ()))
            if fetch.not_before > now and (fetch.scope in scopes or "*" in scopes)
        ]
        if waiting:
            with self._commits.commit("fetches.hasten"):
                for fetch in waiting:
                    self._make_due(fetch, now)
        return len(waiting)

    def _make_due(self, fetch: OwedFetch, now: Instant) -> None:
        self._table.put(msgspec.structs.replace(fetch, state="pending", not_before=now, updated_at=now))

    async def page(
        self, state: FetchState | None, source: str | None, after: str | None, limit: int
    ) -> Sequence[OwedFetch]:
        fetches = self._table.rows.values()
        found = [
            fetch
            for fetch in fetches
            if (state is None or fetch.state == state) and (source is None or fetch.source == source)
        ]
        if after is not None:
            last = self._table.rows.get(RecordKey(*after.split("/", 1)))
            found = [fetch for fetch in found if last is not None and _age(fetch) < _age(last)]
        return [_copy(fetch) for fetch in sorted(found, key=_age, reverse=True)[:limit]]

    async def next_due(self, source: str) -> Instant | None:
        return min((self._table.rows[key].not_before for key in self._table.pending.get(source, ())), default=None)

    async def tally(self, now: Instant) -> Sequence[FetchTally]:  # noqa: ARG002 - the port gives it
        by_source: dict[str, list[OwedFetch]] = {}
        for fetch in self._table.rows.values():
            by_source.setdefault(fetch.source, []).append(fetch)
        return [_tally(source, by_source[source]) for source in sorted(by_source)]


def _age(fetch: OwedFetch) -> tuple[Instant, str, str]:
    return fetch.received_at, fetch.source, fetch.native_id


def _copy(fetch: OwedFetch) -> OwedFetch:
    return msgspec.structs.replace(fetch, context=dict(fetch.context))


def _tally(source: str, fetches: Sequence[OwedFetch]) -> FetchTally:
    owed = [fetch.received_at for fetch in fetches if fetch.state in ("pending", "leased")]
    return FetchTally(
        source=source,
        due=len(owed),
        oldest_due_at=min(owed, default=None),
        parked=sum(fetch.state == "parked" for fetch in fetches),
    )
