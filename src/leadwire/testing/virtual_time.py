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
TURNS_MAX = 10_000


class Deadlock(AssertionError):
    """Everything waits and no timer is set: nothing can ever happen again."""


class Livelock(AssertionError):
    """The loop turned very often and its time did not pass: someone calls himself again and again without waiting."""


class _JumpingSelector(selectors.SelectSelector):
    """Never asks the system while there is something to do or a timer to jump to: a virtual loop has no sockets of its own."""

    def __init__(self, turns_max: int) -> None:
        super().__init__()
        self.elapsed_s = 0.0
        self._turns_max = turns_max
        self._turns = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            if ready := super().select(0):
                return ready
            raise Deadlock
        if timeout > 0:
            self.elapsed_s += timeout
            self._turns = 0
        else:
            self._turns += 1
            if self._turns > self._turns_max:
                self._turns = 0  # whoever catches it may still clear up
                raise Livelock
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop in virtual time; it does no real I/O. After `turns_max` turns at one moment it raises Livelock."""

    def __init__(self, turns_max: int = TURNS_MAX) -> None:
        self._jumping = _JumpingSelector(turns_max)
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
