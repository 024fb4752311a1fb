"""Hydrate: reads the ids that a source told us. One id alone at once when it is quiet, whole batches when it is busy."""

import asyncio
from collections.abc import Sequence

import msgspec

from leadwire.engine.observer import Observer
from leadwire.engine.pauses import Pauses, scope_subject
from leadwire.engine.resolve import Batch, Resolve
from leadwire.engine.step import Step
from leadwire.engine.supervisor import Crashed, guard
from leadwire.model.changes import FetchDone
from leadwire.model.errors import SourceError, SourceUnavailable, StoreError
from leadwire.model.pull import FetchSettlement, OwedFetch, Pause
from leadwire.model.record import Pointer, Record
from leadwire.model.times import SECOND, Instant, seconds
from leadwire.ports.bell import Bell
from leadwire.ports.clock import Chance, Clock
from leadwire.ports.fetch_queue import FetchClaim, FetchQueue
from leadwire.rules.fetching import ScopePause, settle_fetch
from leadwire.rules.hygiene import clean
from leadwire.rules.resolution import Incoming
from leadwire.sdk.http import HttpFailed
from leadwire.sdk.source import FetchingSource

BATCH_MAX = 50
BATCHES_AT_ONCE = 4
REST_S = 5.0


class HydrateTools(msgspec.Struct, frozen=True, kw_only=True):
    """What hydrating needs of the engine. `owner` names this process in leases; `timeout_s` bounds one batch."""

    queue: FetchQueue
    resolve: Resolve
    pauses: Pauses
    bell: Bell
    clock: Clock
    chance: Chance
    observer: Observer
    owner: str
    timeout_s: float = 30.0


class Hydrate:
    """Fetches the owed ids of one source. Several batches may be under way; each ends its own leases."""

    def __init__(self, source_name: str, source: FetchingSource, tools: HydrateTools) -> None:
        self.name = f"hydrate:{source_name}"
        self.topic = f"fetches:{source_name}"
        self._source_name = source_name
        self._source = source
        self._batch_max = min(int(getattr(source, "fetch_batch_max", BATCH_MAX)), BATCH_MAX)
        self._tools = tools
        self._under_way: set[asyncio.Task[None]] = set()
        self._not_stored: list[OwedFetch] = []

    async def run_once(self, now: Instant) -> Step:
        """Claims what is due, as far as there is room, and sends it off."""
        await self._give_back(now)
        room = BATCHES_AT_ONCE - len(self._under_way)
        paused = self._tools.pauses.paused_scopes(self._source_name, now)
        if room <= 0 or "*" in paused:
            return Step(rest_s=REST_S)
        limit = room * self._batch_max
        claim = FetchClaim(
            source=self._source_name,
            limit=limit,
            now=now,
            lease_until=now + seconds(self._tools.timeout_s * 2),
            owner=self._tools.owner,
            paused_scopes=sorted(paused),
        )
        claimed = await self._tools.queue.claim(claim)
        for batch in self._batches(claimed):
            task = asyncio.create_task(self._fetch(batch))
            self._under_way.add(task)
            task.add_done_callback(self._finished)
        is_through = len(claimed) < limit
        rest_s = await self._rest_s(now, 0.25 if paused else 0.02) if is_through else REST_S
        return Step(done=len(claimed), rest_s=rest_s, is_through=is_through)

    async def drain(self) -> None:
        """Waits for the batches under way; each is bounded by its time-out."""
        if self._under_way:
            await asyncio.wait(self._under_way)

    def abandon(self) -> None:
        """Cancels the batches under way; their leases are taken back at the next start."""
        for task in self._under_way:
            task.cancel()

    async def _give_back(self, now: Instant) -> None:
        """Ids whose records could not be stored are due again as soon as the ledger takes anything (not only when their lease ends)."""
        if not self._not_stored:
            return
        given_back = [
            FetchSettlement(
                source=fetch.source,
                native_id=fetch.native_id,
                epoch=fetch.epoch,
                state="pending",
                not_before=now,
                reason="the ledger could not store it",
                counts=False,
            )
            for fetch in self._not_stored
        ]
        await self._tools.queue.settle(given_back, now)
        del self._not_stored[: len(given_back)]

    async def _rest_s(self, now: Instant, at_least_s: float) -> float:
        """Until the next retry. One that is due and was not claimed waits for its scope: no reason to ask at full speed."""
        due = await self._tools.queue.next_due(self._source_name)
        return REST_S if due is None else min(max((due - now) / SECOND, at_least_s), REST_S)

    def _finished(self, task: asyncio.Task[None]) -> None:
        was_full = len(self._under_way) >= BATCHES_AT_ONCE
        self._under_way.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._tools.observer.crashed(self.name, error)
        if was_full:
            self._tools.bell.ring(self.topic)

    def _batches(self, claimed: Sequence[OwedFetch]) -> list[list[OwedFetch]]:
        by_scope: dict[str, list[OwedFetch]] = {}
        for fetch in claimed:
            by_scope.setdefault(fetch.scope, []).append(fetch)
        size = self._batch_max
        return [
            fetches[start : start + size] for fetches in by_scope.values() for start in range(0, len(fetches), size)
        ]

    async def _fetch(self, batch: Sequence[OwedFetch]) -> None:
        started_at = self._tools.clock.now()
        results = await self._ask(batch)
        now = self._tools.clock.now()
        incoming, fetched, failed = [], [], []
        for fetch, result in zip(batch, results, strict=True):
            if isinstance(result, Record):
                incoming.append(self._incoming(fetch, result))
                fetched.append(FetchDone(source=fetch.source, native_id=fetch.native_id))
            else:
                failed.append((fetch, result))
        self._observe(results, now - started_at)
        try:
            if incoming:
                await self._tools.resolve.submit(Batch(incoming=incoming, fetched=fetched))
            await self._settle(failed, now)
        except StoreError:
            self._not_stored += batch
            self._tools.bell.ring(self.topic)

    async def _ask(self, batch: Sequence[OwedFetch]) -> Sequence[Record | SourceError]:
        pointers = [
            Pointer(native_id=fetch.native_id, scope=fetch.scope, occurred_at=fetch.occurred_at, context=fetch.context)
            for fetch in batch
        ]
        try:
            async with asyncio.timeout(self._tools.timeout_s):
                results = await guard(self._source.fetch(pointers))
        except TimeoutError:
            results = Crashed(TimeoutError(f"no answer within {self._tools.timeout_s:g} s"))
        except SourceError as error:
            return [error] * len(batch)
        except HttpFailed as error:
            return [SourceUnavailable(str(error))] * len(batch)
        if isinstance(results, Crashed):
            self._tools.observer.crashed(self.name, results.error)
            return [SourceUnavailable(f"the fetch failed ({type(results.error).__name__})")] * len(batch)
        return results

    def _incoming(self, fetch: OwedFetch, record: Record) -> Incoming:
        return Incoming(
            source=self._source_name,
            via="webhook",
            received_at=fetch.received_at,
            record=clean(record),
            event_sequence=fetch.event_sequence,
        )

    def _observe(self, results: Sequence[Record | SourceError], duration_us: int) -> None:
        counts: dict[str, int] = {}
        for result in results:
            outcome = "record" if isinstance(result, Record) else type(result).__name__
            counts[outcome] = counts.get(outcome, 0) + 1
        for outcome, count in counts.items():
            self._tools.observer.fetched(self._source_name, outcome, count, duration_us)

    async def _settle(self, failed: Sequence[tuple[OwedFetch, SourceError]], now: Instant) -> None:
        settlements: list[FetchSettlement] = []
        pauses: dict[str, ScopePause] = {}
        for fetch, error in failed:
            settlement, pause = settle_fetch(fetch, error, now, self._tools.chance.random())
            settlements.append(settlement)
            if pause is not None:
                pauses[pause.scope] = pause
        for pause in pauses.values():
            await self._tools.pauses.pause(
                Pause(
                    subject=scope_subject(self._source_name, pause.scope),
                    cause="auth" if pause.needs_human else "throttled",
                    reason=pause.reason,
                    paused_at=now,
                    until=pause.until,
                )
            )
        if settlements:
            await self._tools.queue.settle(settlements, now)
            self._tools.bell.ring(self.topic)
