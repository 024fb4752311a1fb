"""How long the other side asks us to wait."""

from collections.abc import Mapping

from leadwire.model.times import Instant
from leadwire.rules import retry_after


def retry_after_s(headers: Mapping[str, str], now: Instant) -> float | None:
    """The seconds that Retry-After asks for, as a number or an HTTP date (RFC 9110), between 1 s and 24 h.

    None where the header is absent or unreadable. `headers` have lower-case names.
    """
    return retry_after.retry_after_s(headers.get("retry-after"), now)
