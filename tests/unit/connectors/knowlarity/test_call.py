"""A call in every shape that Knowlarity is known to send."""

from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadwire.connectors.knowlarity.call import Reading, read_call
from leadwire.sdk import Call, Ignored, Parsed, Record, Unreadable, to_iso

READING = Reading(zone=ZoneInfo("Asia/Kolkata"), region="IN", received_at=1_772_000_000_000_000)
SHAPE_A = {
    "dispnumber": "+919019101000",
    "extension": "None",
    "callid": "ec8a4ba6-c2eb-4e71-888f-c3acbf585111",
    "call_duration": "7",
    "destination": "Welcome Sound",
    "caller_id": "+919966679850",
    "end_time": "2016-09-27 09:19:34.667036+05:30",
    "action": "6",
    "timezone": "Asia/Kolkata",
    "resource_url": "",
    "hangup_cause": "900",
    "type": "dtmf",
    "start_time": "2016-09-27 03:49:44.391601+00:00",
    "call_type": "incoming",
}
LOGGED: dict[str, Any] = {
    "uuid": "70967713-ca23-4bce-92e9-8617a63e7e9e",
    "customer_number": "+918019858999",
    "agent_number": "+918121119250",
    "destination": "+918121119250",
    "knowlarity_number": "+919873762618",
    "start_time": "2025-12-06 11:11:21+05:30",
    "call_duration": 293,
    "extension": None,
    "business_call_type": "Call Group",
    "call_recording": "https://konnect.knowlarity.com/konnect/api/v1/example/70967713",
}


def parse(raw: dict[str, Any]) -> Parsed:
    return read_call(raw, READING)


def record(raw: dict[str, Any], **more: object) -> Record:
    parsed = parse({**raw, **more})
    assert isinstance(parsed, Record)
    return parsed


def call(raw: dict[str, Any], **more: object) -> Call:
    found = record(raw, **more).call
    assert found is not None
    return found


def test_the_old_push_is_read_in_utc_although_its_end_is_before_its_start() -> None:
    read = record(SHAPE_A)
    assert read == Record(
        native_id="ec8a4ba6-c2eb-4e71-888f-c3acbf585111",
        kind="call",
        occurred_at=1_474_948_184_391_601,
        phone="+919966679850",
        call=Call(direction="inbound", duration_s=7, number="+919019101000"),
    )
    assert to_iso(read.occurred_at or 0) == "2016-09-27T03:49:44.391601Z"


def test_a_row_of_the_call_log_is_read_whole() -> None:
    read = record(LOGGED)
    assert to_iso(read.occurred_at or 0) == "2025-12-06T05:41:21Z"
    assert (read.native_id, read.phone, read.answers) == (LOGGED["uuid"], "+918019858999", {})
    assert read.call == Call(
        duration_s=293,
        answered=True,
        agent="+918121119250",
        recording_url="https://konnect.knowlarity.com/konnect/api/v1/example/70967713",
        number="+919873762618",
    )


def test_the_same_call_pushed_and_logged_has_one_id() -> None:
    pushed = {name: value for name, value in LOGGED.items() if name != "uuid"} | {"callid": LOGGED["uuid"]}
    assert record(pushed).native_id == record(LOGGED).native_id


@pytest.mark.parametrize("null", ["None", "none", "null", "", " ", None])
def test_every_way_to_write_null_is_null(null: object) -> None:
    read = record(LOGGED, agent_number=null, destination=null, call_recording=null, knowlarity_number=null)
    assert read.call == Call(duration_s=293)


@pytest.mark.parametrize(
    ("agent_number", "agent", "answered"),
    [
        ("+918121119250", "+918121119250", True),
        ("Agent Answered +918121119250", "+918121119250", True),
        ("Answered_+918121119250", "+918121119250", True),
        ("8121119250", "+918121119250", True),
        (918121119250, "+918121119250", True),
        ("Call Missed", None, False),
        ("Call Missed +918121119250", None, False),
        ("Not Answered-+918121119250", None, False),
        ("No Answer +918121119250", None, False),
    ],
)
def test_the_overloaded_agent_field_is_taken_apart(agent_number: object, agent: str | None, answered: bool) -> None:
    read = call(LOGGED, agent_number=agent_number)
    assert (read.agent, read.answered) == (agent, answered)


@pytest.mark.parametrize(
    "more", [{"business_call_type": "Missed Call"}, {"business_call_type": "Unanswered"}, {"call_duration": "0"}]
)
def test_a_missed_call_has_no_agent(more: dict[str, object]) -> None:
    read = call(LOGGED, **more)
    assert (read.answered, read.agent) == (False, None)


@pytest.mark.parametrize(
    ("name", "word", "direction"),
    [
        ("Call_Type", "Incoming", "inbound"),
        ("call_type", "outgoing", "outbound"),
        ("call_direction", "Outbound", "outbound"),
        ("business_call_type", "Outbound", "outbound"),
        ("business_call_type", "Missed Call", "inbound"),
        ("business_call_type", "Phone", None),
    ],
)
def test_the_direction_is_found_under_all_its_names(name: str, word: str, direction: str | None) -> None:
    assert call(LOGGED, **{name: word}).direction == direction


def test_the_caller_id_of_an_outbound_call_is_our_number_not_the_customers() -> None:
    named = {"uuid": "u", "Call_Type": "Outgoing", "call_duration": "9", "caller_id": "+919873762618"}
    read = record(named, customer_number="+918019858999", agent_number="+918121119250")
    assert (read.phone, read.call and read.call.number) == ("+918019858999", "+919873762618")
    read = record(named, destination="+918019858999")
    assert (read.phone, read.call and read.call.agent) == ("+918019858999", None)
    read = record(named, knowlarity_number="+919873762618")
    assert read.phone is None


@pytest.mark.parametrize("customer", ["Anonymous", "withheld", "12345", "+", 7])
def test_a_withheld_or_broken_number_is_kept_as_it_came_and_is_no_phone(customer: object) -> None:
    read = record(LOGGED, customer_number=customer)
    assert (read.phone, read.answers) == (None, {"customer_number": [str(customer)]})


def test_numbers_as_numbers_and_lost_plus_signs_do_no_harm() -> None:
    read = record(LOGGED, customer_number=918019858999, knowlarity_number=" 919873762618")
    assert (read.phone, read.call and read.call.number) == ("918019858999", "+919873762618")


@pytest.mark.parametrize(
    ("times", "iso", "duration_s"),
    [
        ({"start_time": "2025-12-06 11:11:21"}, "2025-12-06T05:41:21Z", 293),
        ({"start_time": None, "event_date_local": "2025-12-06 11:11:21"}, "2025-12-06T05:41:21Z", 293),
        ({"start_time": None, "end_time": "2025-12-06 11:16:14+05:30"}, "2025-12-06T05:41:21Z", 293),
        ({"call_duration": None, "end_time": "2025-12-06 05:41:31+00:00"}, "2025-12-06T05:41:21Z", 10),
        ({"call_duration": None, "end_time": "2025-12-06 05:41:11+00:00"}, "2025-12-06T05:41:21Z", None),
        ({"call_duration": "00:04:53"}, "2025-12-06T05:41:21Z", 293),
        ({"call_duration": "293.0"}, "2025-12-06T05:41:21Z", 293),
        ({"call_duration": "-5"}, "2025-12-06T05:41:21Z", None),
        ({"call_duration": "nan"}, "2025-12-06T05:41:21Z", None),
    ],
)
def test_times_of_mixed_zones_give_utc_and_never_a_negative_duration(
    times: dict[str, object], iso: str, duration_s: int | None
) -> None:
    read = record(LOGGED, **times)
    assert (to_iso(read.occurred_at or 0), read.call and read.call.duration_s) == (iso, duration_s)


def test_a_call_without_an_id_gets_a_stable_one_that_other_calls_do_not_share() -> None:
    bare = {name: value for name, value in LOGGED.items() if name != "uuid"}
    first = record(bare).native_id
    assert first.startswith("derived:")
    assert record(bare, call_recording="https://x/later", call_duration="293").native_id == first
    assert record(bare, start_time="2025-12-06 11:11:22+05:30").native_id != first
    assert record(bare, customer_number="+918019858990").native_id != first


def test_fields_that_the_user_named_are_answers() -> None:
    assert record(LOGGED, campaign="spring", ivr_choice=2).answers == {"campaign": ["spring"], "ivr_choice": ["2"]}


@pytest.mark.parametrize("kind", ["ORIGINATE", "AGENT_CALL", "ANSWER", "BRIDGE", "HANGUP"])
def test_a_call_under_way_is_no_record_yet(kind: str) -> None:
    assert parse({**LOGGED, "event_type": kind}) == Ignored("call under way")


@pytest.mark.parametrize(
    "raw", [{}, {"id": 7}, {"type": "dtmf", "action": "6"}, {"foo": "bar"}, {"call_duration": "7"}]
)
def test_what_is_no_call_is_unreadable(raw: dict[str, Any]) -> None:
    assert isinstance(parse(raw), Unreadable)


_VALUES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30) | st.lists(st.integers(), max_size=2)
)


@given(st.dictionaries(st.sampled_from([*SHAPE_A, *LOGGED, "event_type", "x"]), _VALUES))
def test_no_values_make_it_fail(raw: dict[str, Any]) -> None:
    parsed = parse(raw)
    assert isinstance(parsed, Unreadable | Ignored | Record)
    if isinstance(parsed, Record) and parsed.call is not None:
        assert parsed.call.duration_s is None or parsed.call.duration_s >= 0
