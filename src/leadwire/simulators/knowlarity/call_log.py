"""The call log endpoint: a window, filters, Tastypie paging."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from random import Random
from typing import Any, Literal
from urllib.parse import urlencode

from leadwire.model.times import Instant, from_datetime
from leadwire.simulators.knowlarity.book import SimCall
from leadwire.simulators.knowlarity.faults import Faults
from leadwire.simulators.knowlarity.shapes import agent_text, drifted, log_record

_INDIA = timezone(timedelta(hours=5, minutes=30))
_LIMIT_DEFAULT = 20


class WindowRefused(ValueError):
    """The window is missing or no time."""


def read_time(text: str, unescaped_plus: Literal["misread", "refuse"]) -> Instant:
    """A bound of the window. Without an offset it is Indian time; with a broken one it is refused or read as UTC."""
    wanted = text.strip()
    head, blank, tail = wanted.rpartition(" ")
    if blank and len(head) > len("2017-03-13") and tail.count(":") == 1:
        if unescaped_plus == "refuse":
            raise WindowRefused(f"{text!r} is no time")
        return from_datetime(_parse(head).replace(tzinfo=UTC))
    moment = _parse(wanted)
    return from_datetime(moment if moment.tzinfo is not None else moment.replace(tzinfo=_INDIA))


def _parse(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise WindowRefused(f"{text!r} is no time") from None


def list_calls(
    calls: Sequence[SimCall], params: Mapping[str, str], path: str, faults: Faults, random: Random, now: Instant
) -> dict[str, Any]:
    """The page that was asked for; raises WindowRefused for a window that cannot be read."""
    first, last = (read_time(params.get(name, ""), faults.unescaped_plus) for name in ("start_time", "end_time"))
    found = [
        call
        for call in calls
        if first <= call.started_at <= last and call.ended_at + faults.visible_after_us <= now and _takes(call, params)
    ]
    found.sort(key=lambda call: call.started_at, reverse=faults.order == "newest")
    limit = min(_number(params, "limit", _LIMIT_DEFAULT) or faults.limit_max, faults.limit_max)
    offset = _number(params, "offset", 0)
    shown = found[offset : offset + limit]
    objects = [
        drifted(
            random,
            log_record(call, has_recording=call.ended_at + faults.recording_after_us <= now),
            faults.drift_share,
        )
        for call in shown
    ]
    meta = {
        "limit": limit,
        "next": _link(path, params, limit, offset + limit) if offset + limit < len(found) else "",
        "offset": offset,
        "previous": _link(path, params, limit, max(0, offset - limit)) if offset else "",
        "total_count": len(found),
    }
    return {"meta": meta, "objects": objects}


def _takes(call: SimCall, params: Mapping[str, str]) -> bool:
    values = {
        "call_type": call.call_type,
        "agent_number": agent_text(call),
        "knowlarity_number": call.dialled.number,
        "business_call_type": call.business_call_type,
        "customer_number": call.customer,
    }
    return all(params[name] == value for name, value in values.items() if params.get(name))


def _number(params: Mapping[str, str], name: str, default: int) -> int:
    text = params.get(name, "")
    return int(text) if text.isdecimal() and len(text) < 10 else default


def _link(path: str, params: Mapping[str, str], limit: int, offset: int) -> str:
    return f"{path}?{urlencode({**params, 'limit': str(limit), 'offset': str(offset)})}"
