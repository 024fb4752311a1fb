"""When to stop asking a destination that does not answer, and when to ask it again."""

from collections import deque
from typing import Literal

from leadwire.model.times import SECOND, Instant

WINDOW = 10 * SECOND
SLOT = SECOND
FAILURES_MIN = 5
FAILURE_RATIO = 0.5
FAILURES_IN_A_ROW = 10
PROBE_WAITS = (2 * SECOND, 4 * SECOND, 5 * SECOND, 10 * SECOND, 20 * SECOND, 40 * SECOND, 60 * SECOND)
PROBE_LOST_AFTER = 60 * SECOND

BreakerState = Literal["closed", "open", "half_open"]


class Breaker:
    """Lets everything through while the destination answers, one probe at a time while it does not.

    Opens when at least 5 tries of the last 10 s failed and they are at least half of all, or when 10 in a row did (a busy
    lane's many successes from before must not hide an outage). Probes after 2, 4, 5, 10, 20, 40
    and then every 60 s. Any success closes it. Only unavailability is a failure (time-out, reset, 5xx): a 4xx is an answer,
    and the caller reports it as success. It holds no clock: `now` comes with every call.
    """

    def __init__(self) -> None:
        self._state: BreakerState = "closed"
        self._slots: deque[list[int]] = deque()  # [number of the second, tries, failures]
        self._probe_at: Instant | None = None
        self._refusals = 0
        self._row: deque[Instant] = deque(maxlen=FAILURES_IN_A_ROW)  # failures since the last success

    @property
    def state(self) -> BreakerState:
        """ "open": nothing may go until `probe_at`; "half_open": a probe is under way."""
        return self._state

    @property
    def probe_at(self) -> Instant | None:
        """When the next probe may go; None while closed."""
        return self._probe_at

    def allows(self, now: Instant) -> bool:
        """Whether a try may start. While a probe is under way nothing else may, unless no word of it came for a minute.

        A clock set back by more than that counts as the moment of the probe: it must not silence the lane for hours.
        """
        return self._probe_at is None or now >= self._probe_at or now < self._probe_at - PROBE_LOST_AFTER

    def took(self, now: Instant) -> None:
        """A try starts. While closed this changes nothing; else it is the probe."""
        if self._state != "closed":
            self._state = "half_open"
            self._probe_at = now + PROBE_LOST_AFTER

    def succeeded(self, now: Instant) -> None:
        """The destination answered, to a probe or to a try from before: it is there."""
        if self._state != "closed":
            self._state, self._probe_at, self._refusals = "closed", None, 0
            self._slots.clear()
        self._row.clear()
        self._count(now, 0)

    def failed(self, now: Instant) -> None:
        """The destination was not available. A late failure of a try from before changes nothing while open."""
        if self._state == "half_open":
            self._refusals += 1
            self._open(now)
        elif self._state == "closed":
            self._count(now, 1)
            self._row.append(now)
            tries = sum(slot[1] for slot in self._slots)
            failures = sum(slot[2] for slot in self._slots)
            is_half = failures >= FAILURES_MIN and failures >= FAILURE_RATIO * tries
            is_row = len(self._row) == FAILURES_IN_A_ROW and now - self._row[0] < WINDOW
            if is_half or is_row:
                self._open(now)

    def _open(self, now: Instant) -> None:
        self._state = "open"
        self._probe_at = now + PROBE_WAITS[min(self._refusals, len(PROBE_WAITS) - 1)]
        self._slots.clear()
        self._row.clear()

    def _count(self, now: Instant, failures: int) -> None:
        number = now // SLOT
        if not self._slots or number > self._slots[-1][0]:
            self._slots.append([number, 0, 0])
        while self._slots[0][0] <= number - WINDOW // SLOT:
            self._slots.popleft()
        self._slots[-1][1] += 1
        self._slots[-1][2] += failures
