"""Virtual time: an event loop whose clock jumps to the next timer when nothing is left to do.

Time-outs, sleeps and intervals of the whole engine run in it unchanged, a day passes in seconds, and every run is the same.
"""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

from leadwire.model.times import SECOND, Instant

_Result = TypeVar("_Result")

START: Instant = 1_750_000_000 * SECOND


class Deadlock(AssertionError):
    """Everything waits and no timer is set: nothing can ever happen again."""


class _JumpingSelector(selectors.SelectSelector):
    def __init__(self) -> None:
        super().__init__()
        self.elapsed_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready:
            if timeout is None:
                raise Deadlock
            self.elapsed_s += max(timeout, 0.0)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop in virtual time; it does no real I/O."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._jumping.elapsed_s


class VirtualClock:
    """The engine's clock on a virtual loop; `skew` lets a wall clock jump while timers go on."""

    def __init__(self, loop: VirtualLoop, start: Instant = START) -> None:
        self._loop = loop
        self._start = start
        self.skew: Instant = 0

    def now(self) -> Instant:
        """Microseconds since 1970, in virtual time."""
        return self._start + self.skew + round(self._loop.time() * SECOND)

    async def sleep(self, duration_s: float) -> None:
        """Returns after that long in virtual time."""
        await asyncio.sleep(duration_s)


def run_virtually(main: Coroutine[Any, Any, _Result], loop: VirtualLoop) -> _Result:
    """Runs the coroutine to its end in virtual time and closes the loop."""
    try:
        return loop.run_until_complete(main)
    finally:
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()
