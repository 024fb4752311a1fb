"""What a Retry-After header asks for (RFC 9110, 10.2.3 and 5.6.7)."""

import re
from datetime import UTC, datetime

from leadwire.model.times import SECOND, Instant, from_datetime, to_datetime

RETRY_AFTER_MIN_S = 1.0
RETRY_AFTER_MAX_S = 86_400.0
HEADER_CHARACTERS_MAX = 64

_SECONDS = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_CLOCK = r"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})"
_DATES = (
    re.compile(rf"[a-z]{{3}}, (?P<day>[0-9]{{2}}) (?P<month>[a-z]{{3}}) (?P<year>[0-9]{{4}}) {_CLOCK} (?:gmt|utc)"),
    re.compile(rf"[a-z]{{6,9}}, (?P<day>[0-9]{{2}})-(?P<month>[a-z]{{3}})-(?P<year>[0-9]{{2}}) {_CLOCK} (?:gmt|utc)"),
    re.compile(rf"[a-z]{{3}} (?P<month>[a-z]{{3}}) (?P<day>[ 0-9][0-9]) {_CLOCK} (?P<year>[0-9]{{4}})"),
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def retry_after_s(value: str | None, now: Instant) -> float | None:
    """The seconds to wait from `now`: asked for as a number or as an HTTP date in any of its three forms; None = not asked.

    Between 1 s (also for a moment that is past) and 24 h (also for years). What is neither number nor date counts as absent.
    A fraction is not in the standard and is read all the same, since some senders give one.
    """
    if value is None or len(value) > HEADER_CHARACTERS_MAX:
        return None
    text = value.strip(" \t").lower()
    if _SECONDS.fullmatch(text):
        return _clamped(float(text))
    moment = _moment(text, now)
    return None if moment is None else _clamped((moment - now) / SECOND)


def _moment(text: str, now: Instant) -> Instant | None:
    found = next((match for form in _DATES if (match := form.fullmatch(text))), None)
    if found is None:
        return None
    year = int(found["year"])
    if len(found["year"]) == 2:
        year = _whole_year(year, to_datetime(now).year)
    clock = (int(found["hour"]), int(found["minute"]), min(int(found["second"]), 59))  # 60 is a leap second
    try:
        month = _MONTHS.index(found["month"]) + 1
        return from_datetime(datetime(year, month, int(found["day"]), *clock, tzinfo=UTC))
    except ValueError:
        return None


def _whole_year(two_digits: int, this_year: int) -> int:
    """The year with these digits that is nearest; RFC 9110: one that would be more than 50 years ahead is a past one."""
    earliest = this_year - 49
    return earliest + (two_digits - earliest) % 100


def _clamped(wait_s: float) -> float:
    return min(max(wait_s, RETRY_AFTER_MIN_S), RETRY_AFTER_MAX_S)
