"""One call in any of the shapes that Knowlarity sends, read into a record.

The vendor publishes no contract: names, types and even zones differ from shape to shape, so each value is looked for
under all its names and every value may be missing.
"""

import hashlib
import re
from collections.abc import Mapping
from datetime import tzinfo
from typing import Any, Literal

import msgspec
import phonenumbers

from leadwire.sdk import SECOND, Call, Ignored, Instant, Parsed, Record, Unreadable, read_instant, text_of

IDS = ("uuid", "callid", "call_id", "call_uuid", "id")
CUSTOMER = ("customer_number", "caller", "caller_number")
CALLER_ID = ("caller_id",)
NUMBER = ("knowlarity_number", "dispnumber", "virtual_number", "k_number", "display_number")
AGENT = ("agent_number", "destination")
RECORDING = ("call_recording", "resource_url", "recording_url")
DIRECTION = ("call_direction", "call_type", "direction", "call_solution")
KIND = ("business_call_type",)
STARTED = ("start_time", "started_at", "caller_channel_created_time", "event_date_local")
ENDED = ("end_time", "ended_at")
DURATION = ("call_duration", "duration", "duration_sec")
_PLUMBING = (
    *("action", "timezone", "type", "event", "event_type", "timestamp", "token", "extension", "hangup_cause"),
    *("leg_identifier", "channel", "client_name", "product", "resource_uri"),
)
_KNOWN = frozenset(
    (
        *IDS,
        *CUSTOMER,
        *CALLER_ID,
        *NUMBER,
        *AGENT,
        *RECORDING,
        *DIRECTION,
        *KIND,
        *STARTED,
        *ENDED,
        *DURATION,
        *_PLUMBING,
    )
)
_UNDER_WAY = frozenset({"originate", "agent_call", "customer_call", "answer", "agent_answer", "bridge", "hangup"})

_NULLS = frozenset({"", "none", "null", "nil", "undefined", "n/a", "-"})
_MISSED = re.compile(r"miss|unanswer|not.?answer|no.?answer|busy|fail|reject|abandon|voicemail", re.IGNORECASE)
_TRAILING_NUMBER = re.compile(r"(\+\d{7,15}|(?<!\d)\d{10,15})$", re.ASCII)
_CLOCK = re.compile(r"(\d{1,3}):([0-5]\d):([0-5]\d)", re.ASCII)
_PLUS_LOST = re.compile(r" \d{10,15}", re.ASCII)
_DIGITS_LEAST = 7
_DURATION_MAX_S = 7 * 86_400
_ANSWERS_MAX = 50

Direction = Literal["inbound", "outbound"]


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """How the account reads what a call leaves out: the zone of naive times, the region of short numbers, the time of arrival."""

    zone: tzinfo
    region: str
    received_at: Instant


def read_call(raw: Mapping[str, Any], reading: Reading) -> Parsed:
    """The record of one call. Without an id of its own it gets a stable one, made of customer, number and start."""
    fields = {str(name).strip().lower(): text for name, value in raw.items() if (text := _text(value)) is not None}
    if not _KNOWN.intersection(fields) - {"id", *_PLUMBING}:
        return Unreadable("a call with none of the fields that Knowlarity sends")
    if fields.get("event_type", "").lower() in _UNDER_WAY and fields.get("type", "").lower() != "cdr":
        return Ignored("call under way")
    direction = _direction(fields)
    number = _first(fields, NUMBER) or (_first(fields, CALLER_ID) if direction == "outbound" else None)
    customer = _customer(fields, direction, number)
    started_at, duration_s = _times(fields, reading.zone)
    native_id = _first(fields, IDS) or _derived_id(customer, number, started_at, reading.received_at)
    if native_id is None:
        return Unreadable("a call without an id and without a number")
    answers = {name: [text] for name, text in list(fields.items())[:_ANSWERS_MAX] if name not in _KNOWN}
    is_number = customer is not None and sum(letter.isdigit() for letter in customer) >= _DIGITS_LEAST
    if customer is not None and not is_number:
        answers["customer_number"] = [customer]
    return Record(
        native_id=native_id,
        kind="call",
        occurred_at=started_at,
        phone=customer if is_number else None,
        answers=answers,
        call=_call(fields, direction, (customer, number), duration_s, reading.region),
    )


def _call(
    fields: Mapping[str, str],
    direction: Direction | None,
    ends: tuple[str | None, str | None],
    duration_s: int | None,
    region: str,
) -> Call:
    customer, number = ends
    status, agent = _agent(fields, region)
    if agent is not None and customer is not None and agent == e164(customer, region):
        agent = None  # of an outbound call, `destination` is the customer
    words = (status, _first(fields, KIND) or "", fields.get("call_type", ""))
    is_missed = duration_s == 0 or any(_MISSED.search(word) for word in words)
    answered = False if is_missed else (True if agent is not None and duration_s is not None else None)
    recording = _first(fields, RECORDING)
    return Call(
        direction=direction,
        duration_s=duration_s,
        answered=answered,
        agent=None if is_missed else agent,
        recording_url=recording if recording and recording.startswith(("https://", "http://")) else None,
        number=None if number is None else e164(number, region) or number,
    )


def e164(text: str, region: str) -> str | None:
    """The number as bare E.164; None where it can be none."""
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _text(value: object) -> str | None:
    if isinstance(value, str) and _PLUS_LOST.fullmatch(value):
        value = f"+{value[1:]}"  # an unescaped + arrives as a blank
    text = text_of(value)
    return None if text is None or text.lower() in _NULLS else text


def _first(fields: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    return next((fields[name] for name in names if name in fields), None)


def _direction(fields: Mapping[str, str]) -> Direction | None:
    for name in (*DIRECTION, *KIND):
        word = fields.get(name, "").lower()
        if word.startswith("out"):
            return "outbound"
        if word.startswith(("in", "missed")):
            return "inbound"
    return None


def _customer(fields: Mapping[str, str], direction: Direction | None, number: str | None) -> str | None:
    named = _first(fields, CUSTOMER)
    if named is not None:
        return named
    shown = _first(fields, CALLER_ID)
    if shown is not None and (direction != "outbound" or shown != number):
        return shown
    if direction == "outbound":
        called = fields.get("destination", "")
        return called if _TRAILING_NUMBER.fullmatch(called) else None
    return None


def _agent(fields: Mapping[str, str], region: str) -> tuple[str, str | None]:
    """The status words before the agent's number, and the number: the field may hold either or both."""
    status = ""
    for name in AGENT:
        text = fields.get(name, "")
        match = _TRAILING_NUMBER.search(text)
        if match is None:
            status = status or text
            continue
        prefix = text[: match.start()].strip(" -_:|,")
        return f"{status} {prefix}".strip(), e164(match[0], region) or match[0]
    return status, None


def _times(fields: Mapping[str, str], zone: tzinfo) -> tuple[Instant | None, int | None]:
    """When the call began and how many seconds it took. An end before the start says nothing: zones are mixed up in some shapes."""
    started_at = read_instant(_first(fields, STARTED), zone)
    ended_at = read_instant(_first(fields, ENDED), zone)
    duration_s = _duration_s(_first(fields, DURATION))
    if ended_at is None:
        return started_at, duration_s
    if started_at is None:
        return ended_at - (duration_s or 0) * SECOND, duration_s
    if duration_s is None and 0 <= ended_at - started_at <= _DURATION_MAX_S * SECOND:
        duration_s = (ended_at - started_at) // SECOND
    return started_at, duration_s


def _duration_s(text: str | None) -> int | None:
    if text is None:
        return None
    match = _CLOCK.fullmatch(text)
    if match is not None:
        return int(match[1]) * 3600 + int(match[2]) * 60 + int(match[3])
    try:
        duration_s = float(text)
    except ValueError:
        return None
    return int(duration_s) if 0 <= duration_s <= _DURATION_MAX_S else None


def _derived_id(
    customer: str | None, number: str | None, started_at: Instant | None, received_at: Instant
) -> str | None:
    if customer is None and started_at is None:
        return None
    told = "|".join((customer or "", number or "", str(received_at if started_at is None else started_at)))
    return f"derived:{hashlib.sha256(told.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"
