"""One call in the many shapes in which Knowlarity shows it. All are taken from public integrations, none is promised."""

import json
from datetime import timedelta, timezone
from random import Random
from typing import Any
from urllib.parse import urlencode

from leadwire.model.times import Instant, to_datetime
from leadwire.simulators.chance import happens
from leadwire.simulators.knowlarity.book import SimCall

_INDIA = timezone(timedelta(hours=5, minutes=30))


def india_time(instant: Instant) -> str:
    """Whole seconds with the Indian offset: 2025-12-06 11:11:21+05:30."""
    return to_datetime(instant).astimezone(_INDIA).isoformat(" ", "seconds")


def recording_url(call: SimCall) -> str:
    """Where the recording lies."""
    return f"https://konnect.knowlarity.com/konnect/api/v1/example/{call.uuid}"


def agent_text(call: SimCall) -> str:
    """The overloaded agent field: a number, "Call Missed", or a status, a blank and a number."""
    if not call.is_answered and call.dialled.direction == "inbound":
        return "Call Missed"
    return f"Agent Answered {call.dialled.agent}" if call.is_agent_prefixed else call.dialled.agent


def log_record(call: SimCall, *, has_recording: bool) -> dict[str, Any]:
    """A row of the call log."""
    return {
        "uuid": call.uuid,
        "id": call.order,
        "customer_number": call.customer,
        "agent_number": agent_text(call),
        "destination": call.dialled.agent if call.is_answered else "Welcome Sound",
        "knowlarity_number": call.dialled.number,
        "caller_id": call.dialled.number if call.dialled.direction == "outbound" else call.customer,
        "start_time": india_time(call.started_at),
        "call_duration": call.duration_s,
        "extension": None,
        "timezone": "Asia/Kolkata",
        "Call_Type": call.call_type,
        "business_call_type": call.business_call_type,
        "call_recording": recording_url(call) if has_recording and call.is_answered else "",
    }


def drifted(random: Random, record: dict[str, Any], share: float) -> dict[str, Any]:
    """The record with some fields as text that were numbers, as numbers that were text, and null as "None"."""
    return {name: _drift(value) if happens(random, share) else value for name, value in record.items()}


def _drift(value: Any) -> Any:
    if value is None:
        return "None"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str) and value.startswith("+") and value[1:].isdecimal():
        return int(value[1:])
    return value


def hook_fields(call: SimCall, *, has_recording: bool) -> dict[str, str]:
    """Shape A: all strings, "None" for null, the start in UTC and the end in Indian time."""
    ended = to_datetime(call.ended_at).astimezone(_INDIA)
    return {
        "dispnumber": call.dialled.number,
        "extension": "None",
        "callid": call.uuid,
        "call_duration": str(call.duration_s),
        "destination": call.dialled.agent if call.is_answered else "Welcome Sound",
        "caller_id": call.customer,
        "end_time": ended.isoformat(" ", "microseconds"),
        "action": "6",
        "timezone": "Asia/Kolkata",
        "resource_url": recording_url(call) if has_recording and call.is_answered else "",
        "hangup_cause": "900",
        "type": "dtmf",
        "start_time": to_datetime(call.started_at).isoformat(" ", "microseconds"),
        "call_type": call.call_type.lower(),
    }


def hook_json(call: SimCall, *, has_recording: bool) -> bytes:
    """Shape A as a JSON body."""
    return json.dumps(hook_fields(call, has_recording=has_recording)).encode()


def hook_form(call: SimCall, *, has_recording: bool) -> bytes:
    """Shape A as a form body."""
    return urlencode(hook_fields(call, has_recording=has_recording)).encode()


def hook_query(call: SimCall, *, has_recording: bool) -> str:
    """Shape B: the query of a GET."""
    fields = {
        "agent_number": agent_text(call),
        "customer_number": call.customer,
        "call_duration": str(call.duration_s),
        "Call_Type": call.call_type,
        "business_call_type": call.business_call_type,
        "uuid": call.uuid,
        "caller_id": call.dialled.number if call.dialled.direction == "outbound" else call.customer,
        "resource_url": recording_url(call) if has_recording and call.is_answered else "",
    }
    return urlencode(fields)


def stream_events(call: SimCall) -> list[tuple[Instant, dict[str, Any]]]:
    """The life of a call on the stream: ringing, each leg, a hang-up per leg, then the CDR."""
    shared: dict[str, Any] = {
        "call_direction": call.dialled.direction.capitalize(),
        "Call_Type": call.call_type,
        "uuid": call.uuid,
        "caller": call.customer,
        "customer_number": call.customer,
        "agent_number": call.dialled.agent,
        "knowlarity_number": call.dialled.number,
        "call_solution": call.dialled.direction,
    }

    def event(at: Instant, kind: str, **extra: Any) -> tuple[Instant, dict[str, Any]]:
        return at, {"event_type": kind, **shared, "Event_Date_Local": india_time(at)[:19], **extra}

    events = [event(call.started_at, "ORIGINATE"), event(call.started_at, "AGENT_CALL", leg_identifier="agent")]
    if call.is_answered:
        events.append(event(call.answered_at, "AGENT_ANSWER", leg_identifier="agent"))
        events.append(event(call.answered_at, "BRIDGE"))
    events.append(event(call.ended_at, "HANGUP", leg_identifier="customer", call_duration=str(call.duration_s)))
    events.append(event(call.ended_at, "HANGUP", leg_identifier="agent", call_duration=str(call.duration_s)))
    cdr = {
        **shared,
        "type": "CDR",
        "business_call_type": call.business_call_type,
        "call_duration": str(call.duration_s),
    }
    cdr["agent_number"] = agent_text(call)
    cdr["start_time"] = india_time(call.started_at)
    events.append((call.ended_at, cdr))
    return events
