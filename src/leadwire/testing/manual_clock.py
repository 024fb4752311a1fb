"""A clock that stands still until a test moves it."""

import asyncio
import heapq
from itertools import count

from leadwire.model.times import Instant, seconds

START: Instant = 1_772_000_000_000_000


class ManualClock:
    """A `Clock` in virtual time: `now` changes through `advance` only, and `sleep` returns once it was advanced far enough."""

    def __init__(self, now: Instant = START) -> None:
        self._now = now
        self._order = count()
        self._sleepers: list[tuple[Instant, int, asyncio.Future[None]]] = []

    def now(self) -> Instant:
        """The virtual time."""
        return self._now

    async def sleep(self, duration_s: float) -> None:
        """Returns when the clock was advanced that far; at once for a duration that is not positive."""
        if duration_s <= 0:
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + seconds(duration_s), next(self._order), woken))
        await woken

    def advance(self, duration_s: float) -> Instant:
        """Moves the clock and wakes, in their order, all sleepers whose time has come; answers the new time."""
        return self.advance_to(self._now + seconds(duration_s))

    def advance_to(self, instant: Instant) -> Instant:
        """Moves the clock to this instant, never back."""
        self._now = max(self._now, instant)
        while self._sleepers and self._sleepers[0][0] <= self._now:
            _, _, woken = heapq.heappop(self._sleepers)
            if not woken.done():
                woken.set_result(None)
        return self._now

    def next_wake_at(self) -> Instant | None:
        """When the first sleeper wants to wake; None where nobody sleeps."""
        while self._sleepers and self._sleepers[0][2].done():
            heapq.heappop(self._sleepers)
        return self._sleepers[0][0] if self._sleepers else None
