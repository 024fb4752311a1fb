"""A throttle on guessing: after some free failures every further one must wait twice as long as the one before."""

from collections import OrderedDict

import msgspec

from leadwire.model.times import SECOND, Instant, seconds

KEYS_MAX = 10_000


class _Tries(msgspec.Struct):
    failures: int = 0
    last_at: Instant = 0
    blocked_until: Instant = 0


class Throttle:
    """Counts a try as failed when it begins, so that many at once gain nothing; a good one is given back. Bounded in memory."""

    def __init__(self, *, free: int, first_s: float, longest_s: float, forget_after_s: float) -> None:
        self._free = free
        self._first_s = first_s
        self._longest_s = longest_s
        self._forget_after = seconds(forget_after_s)
        self._tries: OrderedDict[str, _Tries] = OrderedDict()

    def begin(self, key: str, now: Instant) -> int | None:
        """None = go ahead (and it counts), else the whole seconds to wait, at least 1."""
        tries = self._tries.pop(key, None)
        if tries is None or now - tries.last_at > self._forget_after:
            tries = _Tries()
        self._tries[key] = tries
        if len(self._tries) > KEYS_MAX:
            self._tries.popitem(last=False)
        if tries.blocked_until > now:
            return max(1, -(-(tries.blocked_until - now) // SECOND))
        tries.failures += 1
        tries.last_at = now
        if tries.failures >= self._free:
            doublings = min(tries.failures - self._free, 30)
            tries.blocked_until = now + seconds(min(self._first_s * 2**doublings, self._longest_s))
        return None

    def refund(self, key: str) -> None:
        """The try that began for this key was a good one and does not count."""
        if (tries := self._tries.get(key)) is not None:
            tries.failures = max(0, tries.failures - 1)
            tries.blocked_until = 0

    def forget(self, key: str) -> None:
        """Nothing that was tried for this key counts any more."""
        self._tries.pop(key, None)
