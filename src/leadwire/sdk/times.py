"""Reading the times that sources write: unix seconds to microseconds, offsets with and without a colon, or no zone at all."""

import re
from datetime import UTC, datetime, tzinfo

from leadwire.model.times import SECOND, Instant, from_datetime

_OFFSET_LOST_PLUS = re.compile(r"(?<=\d) (?=\d\d:?\d\d$)")
_OFFSET_APART = re.compile(r"(?<=\d)\s+(?=[+-]\d\d:?\d\d$|Z$)")
_UNIX_DIGITS = re.compile(r"\d{9,17}(\.\d+)?", re.ASCII)
_DATE_AND_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d.* ")

_MILLISECONDS_FROM = 10**11
_MICROSECONDS_FROM = 10**14
_NANOSECONDS_FROM = 10**17


def read_instant(value: object, zone: tzinfo | None = None) -> Instant | None:
    """The instant that a source wrote; None for anything that is no time after 1970.

    Takes unix seconds, milliseconds or microseconds (as number or text, told apart by size) and ISO 8601 with `T` or a
    blank, with `Z`, `+05:30`, `+0000` or an offset whose `+` became a blank in a URL. A time without a zone is in `zone`;
    without one it counts as UTC.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return _from_unix(value)
    if not isinstance(value, str):
        return None
    text = value.strip()
    if _UNIX_DIGITS.fullmatch(text):
        return _from_unix(float(text) if "." in text else int(text))
    return _from_iso(text, zone or UTC)


def _from_unix(value: float) -> Instant | None:
    if not 0 < value < _NANOSECONDS_FROM:  # also false for NaN
        return None
    if value >= _MICROSECONDS_FROM:
        return int(value)
    if value >= _MILLISECONDS_FROM:
        return round(value * 1_000)
    return round(value * SECOND)


def _from_iso(text: str, zone: tzinfo) -> Instant | None:
    if len(text) > 64:
        return None
    if _DATE_AND_TIME.match(text):
        text = _OFFSET_LOST_PLUS.sub("+", text)
    text = _OFFSET_APART.sub("", text)
    try:
        moment = datetime.fromisoformat(text)
        instant = from_datetime(moment if moment.tzinfo is not None else moment.replace(tzinfo=zone))
    except (ValueError, OverflowError):
        return None
    return instant if instant > 0 else None
