"""Times are whole microseconds since 1970 in UTC: exact, ordered, and the same number in every store."""

from datetime import UTC, datetime, timedelta
from typing import TypeAlias

Instant: TypeAlias = int

MILLISECOND: Instant = 1_000
SECOND: Instant = 1_000_000
MINUTE: Instant = 60 * SECOND
HOUR: Instant = 60 * MINUTE
DAY: Instant = 24 * HOUR

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def from_datetime(moment: datetime) -> Instant:
    """The instant of an aware datetime, exact to the microsecond; raises ValueError for a naive one."""
    if moment.tzinfo is None:
        raise ValueError("a time without a zone has no instant")
    return (moment - _EPOCH) // _MICROSECOND


def to_datetime(instant: Instant) -> datetime:
    """The aware UTC datetime of an instant; raises OverflowError outside the years 1 to 9999."""
    return _EPOCH + timedelta(microseconds=instant)


def to_iso(instant: Instant) -> str:
    """ISO 8601 in UTC with a trailing Z; the fraction stands only where it is not zero."""
    return to_datetime(instant).isoformat().replace("+00:00", "Z")


def seconds(value: float) -> Instant:
    """A duration in seconds as whole microseconds."""
    return round(value * SECOND)
