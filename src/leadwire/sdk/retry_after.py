"""How long a destination or source asks us to wait."""

from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from leadwire.model.times import SECOND, Instant, from_datetime

RETRY_AFTER_MIN_S = 1.0
RETRY_AFTER_MAX_S = 86_400.0


def retry_after_s(headers: Mapping[str, str], now: Instant) -> float | None:
    """The seconds that Retry-After asks for, as a number or an HTTP date (RFC 9110); None where it is absent or unreadable.

    Clamped to 1 s (a date in the past) and 24 h. `headers` have lower-case names.
    """
    text = headers.get("retry-after", "").strip()
    if not text or len(text) > 64:
        return None
    if text.isascii() and text.isdecimal():
        return _clamped(float(text))
    try:
        moment = parsedate_to_datetime(text)
        return _clamped((from_datetime(moment) - now) / SECOND)
    except (ValueError, OverflowError):
        return None


def _clamped(wait_s: float) -> float:
    return min(max(wait_s, RETRY_AFTER_MIN_S), RETRY_AFTER_MAX_S)
