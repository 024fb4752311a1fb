"""How late leads are at every hop, over the last hours: counts per minute and size class, bounded in memory."""

import math
from collections import Counter, OrderedDict
from collections.abc import Mapping

import msgspec

from leadwire.model.times import MINUTE, SECOND, Instant

MINUTES_KEPT = 180
HOPS_MAX = 64
_SMALLEST_S = 0.001
_STEPS_PER_DOUBLING = 4


class LagPoint(msgspec.Struct, frozen=True, kw_only=True):
    """One minute of one hop. `p50_s` and `p95_s` are at most 19 % off."""

    at: Instant
    count: int
    p50_s: float
    p95_s: float


class LagSeries:
    """Remembers lags of up to 64 hops for 180 minutes. A hop's name is "received", "resolved", "delivered:NAME" …"""

    def __init__(self) -> None:
        self._hops: dict[str, OrderedDict[int, Counter[int]]] = {}

    def note(self, hop: str, lag: Instant, now: Instant) -> None:
        """Counts one lag (microseconds) at the minute of `now`."""
        minutes = self._hops.get(hop)
        if minutes is None:
            if len(self._hops) >= HOPS_MAX:
                return
            minutes = self._hops[hop] = OrderedDict()
        minute = now // MINUTE
        counts = minutes.get(minute)
        if counts is None:
            counts = minutes[minute] = Counter()
            while len(minutes) > MINUTES_KEPT:
                minutes.popitem(last=False)
        counts[_size_class(lag)] += 1

    def points(self, now: Instant) -> Mapping[str, list[LagPoint]]:
        """Every hop's minutes, oldest first, that lie within the last 180."""
        first = now // MINUTE - MINUTES_KEPT
        return {
            hop: [
                LagPoint(
                    at=minute * MINUTE, count=counts.total(), p50_s=_share(counts, 0.5), p95_s=_share(counts, 0.95)
                )
                for minute, counts in sorted(minutes.items())
                if minute > first
            ]
            for hop, minutes in self._hops.items()
        }

    def last_hour(self, now: Instant) -> Mapping[str, LagPoint]:
        """Every hop that had something in the last 60 minutes."""
        first = now // MINUTE - 60
        result = {}
        for hop, minutes in self._hops.items():
            sums: Counter[int] = Counter()
            for minute, counts in minutes.items():
                if minute > first:
                    sums.update(counts)
            if sums:
                result[hop] = LagPoint(at=now, count=sums.total(), p50_s=_share(sums, 0.5), p95_s=_share(sums, 0.95))
        return result


def _size_class(lag: Instant) -> int:
    return max(0, math.ceil(math.log2(max(lag / SECOND, _SMALLEST_S) / _SMALLEST_S) * _STEPS_PER_DOUBLING))


def _share(counts: Counter[int], share: float) -> float:
    """The upper edge of the size class in which this share of the lags is reached."""
    wanted = share * counts.total()
    seen = 0
    size = 0
    for size in sorted(counts):
        seen += counts[size]
        if seen >= wanted:
            break
    return float(f"{_SMALLEST_S * 2 ** (size / _STEPS_PER_DOUBLING):.3g}")
