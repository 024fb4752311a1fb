"""What the doors turned away: counted for ever, the last ones kept without their bodies, logged without flooding."""

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import structlog

from leadwire.model.times import MINUTE, Instant

_KEPT_MAX: Final = 200
_LOGGED_PER_MINUTE: Final = 20

_log = structlog.get_logger(__name__)


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """One request that was turned away. `reason` is one of a few fixed words; `source` is "" where the name is unknown."""

    at: Instant
    source: str
    reason: str
    peer: str
    body_bytes: int


class Refusals:
    """Counts refusals by source and reason and keeps the last `kept_max`. Memory is bounded whatever comes in."""

    def __init__(self, kept_max: int = _KEPT_MAX, logged_per_minute: int = _LOGGED_PER_MINUTE) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self._recent: deque[Refusal] = deque(maxlen=kept_max)
        self._logged_max = logged_per_minute
        self._minute = -1
        self._logged = 0
        self._unlogged = 0

    @property
    def counts(self) -> Mapping[tuple[str, str], int]:
        """How many requests were turned away since the start, by (source, reason)."""
        return self._counts

    @property
    def recent(self) -> Sequence[Refusal]:
        """The last refusals, oldest first."""
        return tuple(self._recent)

    def note(self, refusal: Refusal) -> None:
        """Counts a refusal and logs it; past the rate, the next minute's first line says how many were left out."""
        self._counts[refusal.source, refusal.reason] += 1
        self._recent.append(refusal)
        minute = refusal.at // MINUTE
        if minute != self._minute:
            self._minute, self._logged = minute, 0
        if self._logged >= self._logged_max:
            self._unlogged += 1
            return
        self._logged += 1
        unlogged, self._unlogged = self._unlogged, 0
        _log.warning(
            "webhook",
            action="webhook.refused",
            source=refusal.source,
            reason=refusal.reason,
            peer=refusal.peer,
            body_bytes=refusal.body_bytes,
            left_out=unlogged,
        )
