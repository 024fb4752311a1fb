"""The survey: asks the ledger and the running engine how they stand, and not more often than they can bear."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

import msgspec

from leadwire.engine.figures import EngineView, Tallies, tally
from leadwire.engine.metrics import Metrics, Sample
from leadwire.engine.status import Report, Surveyed, report
from leadwire.model.times import SECOND, Instant
from leadwire.ports.clock import Clock
from leadwire.ports.ledger import Ledger, StoreHealth

TALLIES_LAST = 2 * SECOND
HEALTH_LASTS = SECOND

_Value = TypeVar("_Value")


class _Kept(Generic[_Value]):
    """An answer that is asked for again only after a while, and never twice at once."""

    def __init__(self, ask: Callable[[Instant], Awaitable[_Value]], clock: Clock, lasts: Instant) -> None:
        self._ask = ask
        self._clock = clock
        self._lasts = lasts
        self._turn = asyncio.Lock()
        self._answer: tuple[Instant, _Value] | None = None

    async def get(self) -> _Value:
        async with self._turn:
            now = self._clock.now()
            if self._answer is None or not 0 <= now - self._answer[0] < self._lasts:
                self._answer = now, await self._ask(now)
            return self._answer[1]


class Surveyors(msgspec.Struct, frozen=True, kw_only=True):
    """What the survey asks. `view` and `is_ready` are of the running engine."""

    ledger: Ledger
    clock: Clock
    metrics: Metrics
    view: Callable[[], EngineView]
    is_ready: Callable[[], bool]


class Survey:
    """How everything stands; `sources` and `destinations` are the configured names in their order."""

    def __init__(self, surveyors: Surveyors, sources: Sequence[str], destinations: Sequence[str]) -> None:
        self._surveyors = surveyors
        self._sources = tuple(sources)
        self._destinations = tuple(destinations)
        ledger, clock = surveyors.ledger, surveyors.clock
        self._tallies = _Kept[Tallies](lambda now: tally(ledger, now), clock, TALLIES_LAST)
        self._health = _Kept[StoreHealth](ledger.health, clock, HEALTH_LASTS)

    async def is_ready(self) -> bool:
        """Whether webhooks can be accepted: the engine runs and a durable write works. A dead destination changes nothing."""
        return self._surveyors.is_ready() and (await self._health.get()).writable

    async def report(self, *, fresh: bool = False) -> Report:
        """How everything stands, at most two seconds old; `fresh` reads the ledger now (after a change by hand)."""
        surveyors = self._surveyors
        now = surveyors.clock.now()
        return report(
            Surveyed(
                now=now,
                sources=self._sources,
                destinations=self._destinations,
                tallies=await tally(surveyors.ledger, now) if fresh else await self._tallies.get(),
                view=surveyors.view(),
                lags=surveyors.metrics.lags.last_hour(now),
                is_ready=await self.is_ready(),
            )
        )

    async def exposition(self) -> bytes:
        """All metrics in the Prometheus text format."""
        surveyors = self._surveyors
        sample = Sample(
            now=surveyors.clock.now(),
            view=surveyors.view(),
            tallies=await self._tallies.get(),
            health=await self._health.get(),
        )
        return surveyors.metrics.exposition(sample)

    def view(self) -> EngineView:
        """What only the running engine knows."""
        return self._surveyors.view()
