"""A rate limit that holds in every window, not on average."""

from collections import deque

from leadwire.model.times import Instant, seconds

GUARD = 1.02  # the other side's clock and the network move our requests together; its window must not notice
EXACT_COUNT_MAX = 10_000
SLOTS = 200


class RateWindow:
    """At most `count` takes in any stretch of `window_s` seconds, with 2 % to spare.

    A count below one is one per as much longer a window (0.5 a second = one in 2 s); else its fraction is left out. Up to
    10,000 takes each is remembered; above, they are counted in slots of a 200th of the window, a slot leaving as a
    whole, so up to one more window in 200 goes unused. It holds no clock: `now` comes with every call. A clock set back is taken to
    stand still until it moves on; one set forward lets the window end early. Raises ValueError for a count or window not above zero.
    """

    def __init__(self, count: float, window_s: float) -> None:
        if not (count > 0 and window_s > 0):
            raise ValueError(f"a rate needs a count and a window above zero, not {count:g} in {window_s:g} s")
        self._count = max(int(count), 1)
        window = seconds(window_s / min(count, 1.0) * GUARD)
        self._slot = 1 if self._count <= EXACT_COUNT_MAX else max(-(-window // SLOTS), 1)
        self._stay = -(-window // self._slot) * self._slot + (self._slot if self._slot > 1 else 0)
        self._taken: deque[list[int]] = deque()  # [start of the slot, takes in it]
        self._total = 0
        self._ahead = 0

    def wait_us(self, now: Instant) -> int:
        """Microseconds until one more may go; 0 = it may go now. Asking takes nothing."""
        moment = self._moment(now)
        while self._taken and self._taken[0][0] + self._stay <= moment:
            self._total -= self._taken.popleft()[1]
        if self._total < self._count:
            return 0
        return self._taken[0][0] + self._stay - moment

    def take(self, now: Instant) -> None:
        """One goes. The caller asked `wait_us` at the same moment; taking without leave is counted all the same."""
        start = self._moment(now) // self._slot * self._slot
        if self._taken and self._taken[-1][0] == start:
            self._taken[-1][1] += 1
        else:
            self._taken.append([start, 1])
        self._total += 1

    def _moment(self, now: Instant) -> Instant:
        moment = now + self._ahead
        if self._taken and moment < self._taken[-1][0]:
            self._ahead = self._taken[-1][0] - now
            moment = self._taken[-1][0]
        return moment
