"""How much of Meta's limits is used, as its answers say (developers.facebook.com, Rate Limits).

Percentages stand in headers as JSON; the time until access comes back is in minutes, for the ad account in seconds.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from leadwire.sdk import PayloadInvalid, read_json

WHOLE_APP = "*"
_WAIT_MAX_S = 86_400.0
_PERCENTS = ("call_count", "total_time", "total_cputime", "acc_id_util_pct")


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What one answer says of the app and of the page it concerned: per cent used, and the seconds until access comes back."""

    app_percent: float | None = None
    page_percent: float | None = None
    page_wait_s: float = 0.0


def read_usage(headers: Mapping[str, str]) -> Reading:
    """The usage in an answer's headers (lower-case names); what is absent or unreadable says nothing."""
    app = _object(headers.get("x-app-usage"))
    page_buckets = [
        _object(headers.get("x-page-usage")),
        _object(headers.get("x-ad-account-usage")),
        *_business_buckets(headers.get("x-business-use-case-usage")),
    ]
    percents = [percent for bucket in page_buckets if (percent := _percent(bucket)) is not None]
    waits = [_number(bucket, "estimated_time_to_regain_access") * 60 for bucket in page_buckets]
    waits += [_number(bucket, "reset_time_duration") for bucket in page_buckets if _is_full(bucket)]
    return Reading(
        app_percent=_percent(app),
        page_percent=max(percents, default=None),
        page_wait_s=min(max(waits, default=0.0), _WAIT_MAX_S),
    )


def _business_buckets(text: str | None) -> Iterator[dict[str, Any]]:
    for listed in _object(text).values():
        if isinstance(listed, list):
            yield from (bucket for bucket in listed if isinstance(bucket, dict))


def _object(text: str | None) -> dict[str, Any]:
    try:
        value = read_json(text.encode("utf-8", "replace")) if text else None
    except PayloadInvalid:
        return {}
    return value if isinstance(value, dict) else {}


def _percent(bucket: Mapping[str, Any]) -> float | None:
    return max((_number(bucket, name) for name in _PERCENTS if name in bucket), default=None)


def _is_full(bucket: Mapping[str, Any]) -> bool:
    return (_percent(bucket) or 0.0) >= 100.0


def _number(bucket: Mapping[str, Any], name: str) -> float:
    value = bucket.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0.0
    return max(0.0, float(min(value, 1_000_000)))
