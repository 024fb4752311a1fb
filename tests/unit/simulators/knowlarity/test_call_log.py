import json
from datetime import timedelta, timezone
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from leadwire.model.times import HOUR, MINUTE, SECOND, Instant, to_datetime
from leadwire.simulators.exchange import WorldAnswer, WorldRequest
from leadwire.simulators.knowlarity.book import Dialled, SimCall
from leadwire.simulators.knowlarity.faults import Faults
from leadwire.simulators.knowlarity.world import KnowlarityWorld

PATH = "/Basic/v1/account/calllog"
INDIA = timezone(timedelta(hours=5, minutes=30))


def dialled(customer: str = "+919829123199", **changes: Any) -> Dialled:
    return Dialled(customer=customer, number="+918045000001", agent="+918121000001", **changes)


def text_of(instant: Instant) -> str:
    return to_datetime(instant).astimezone(INDIA).isoformat(" ", "seconds")


def ask(world: KnowlarityWorld, now: Instant, query: str, **headers: str) -> WorldAnswer:
    known = {"authorization": world.account.authorization, "x-api-key": world.account.api_key}
    return world.handle(WorldRequest(method="GET", path=PATH, query=query, headers=known | headers), now)


def window(first: Instant, last: Instant, **params: str) -> str:
    return urlencode({"start_time": text_of(first), "end_time": text_of(last), **params})


def listed(world: KnowlarityWorld, now: Instant, **params: str) -> Any:
    answer = ask(world, now, window(now - 24 * HOUR, now, **params))
    assert answer.status == 200
    return json.loads(answer.body)


def dial_many(world: KnowlarityWorld, now: Instant, count: int) -> list[SimCall]:
    return [world.dial(dialled(f"+9198291{number:05d}"), now - HOUR + number * SECOND) for number in range(count)]


def test_a_record_has_the_fields_of_the_call_log(knowlarity: KnowlarityWorld, now: Instant) -> None:
    call = knowlarity.dial(dialled(talk_s=293), now - HOUR)
    (record,) = listed(knowlarity, now)["objects"]
    assert record == {
        "uuid": call.uuid,
        "id": 1,
        "customer_number": "+919829123199",
        "agent_number": "+918121000001",
        "destination": "+918121000001",
        "knowlarity_number": "+918045000001",
        "caller_id": "+919829123199",
        "start_time": "2025-11-01 01:52:23+05:30",
        "call_duration": 293,
        "extension": None,
        "timezone": "Asia/Kolkata",
        "Call_Type": "Incoming",
        "business_call_type": "Call Group",
        "call_recording": f"https://konnect.knowlarity.com/konnect/api/v1/example/{call.uuid}",
    }


def test_pages_follow_tastypie_and_the_last_next_is_an_empty_text(knowlarity: KnowlarityWorld, now: Instant) -> None:
    calls = dial_many(knowlarity, now, 5)
    first = listed(knowlarity, now, limit="2")
    assert {key: first["meta"][key] for key in ("limit", "offset", "previous", "total_count")} == {
        "limit": 2,
        "offset": 0,
        "previous": "",
        "total_count": 5,
    }
    assert first["meta"]["next"].startswith(f"{PATH}?")
    second = json.loads(ask(knowlarity, now, first["meta"]["next"].partition("?")[2]).body)
    last = listed(knowlarity, now, limit="2", offset="4")
    assert last["meta"]["next"] == ""
    assert last["meta"]["previous"] != ""
    assert listed(knowlarity, now, limit="5")["meta"]["next"] == ""
    uuids = [record["uuid"] for page in (first, second, last) for record in page["objects"]]
    assert uuids == [call.uuid for call in reversed(calls)]


def test_the_platform_caps_a_page(knowlarity: KnowlarityWorld, now: Instant) -> None:
    dial_many(knowlarity, now, 5)
    knowlarity.faults = Faults(limit_max=3, order="oldest")
    page = listed(knowlarity, now, limit="500")
    assert (page["meta"]["limit"], len(page["objects"]), page["meta"]["total_count"]) == (3, 3, 5)
    assert page["objects"][0]["id"] == 1


def test_an_escaped_plus_is_the_offset_and_a_bare_one_is_misread_or_refused(
    knowlarity: KnowlarityWorld, now: Instant
) -> None:
    knowlarity.dial(dialled(), now - HOUR)
    first, last = text_of(now - 2 * HOUR), text_of(now)
    escaped = f"start_time={quote(first)}&end_time={quote(last)}"
    bare = escaped.replace("%2B", "+")
    assert len(json.loads(ask(knowlarity, now, escaped).body)["objects"]) == 1
    assert json.loads(ask(knowlarity, now, bare).body)["objects"] == []
    knowlarity.faults = Faults(unescaped_plus="refuse")
    assert ask(knowlarity, now, bare).status == 400
    assert ask(knowlarity, now, escaped).status == 200


def test_other_offsets_and_naive_indian_times_name_the_same_window(knowlarity: KnowlarityWorld, now: Instant) -> None:
    knowlarity.dial(dialled(), now - HOUR)
    moments = [to_datetime(instant) for instant in (now - 2 * HOUR, now)]
    in_utc = [moment.isoformat(" ", "seconds") for moment in moments]
    naive = [moment.astimezone(INDIA).replace(tzinfo=None).isoformat(" ", "seconds") for moment in moments]
    for first, last in (in_utc, naive):
        answer = ask(knowlarity, now, urlencode({"start_time": first, "end_time": last}))
        assert len(json.loads(answer.body)["objects"]) == 1


@pytest.mark.parametrize(
    "query", ["", "start_time=today&end_time=now", "start_time=2017-03-13", "start_time=%00&end_time=+"]
)
def test_a_window_that_cannot_be_read_is_refused(knowlarity: KnowlarityWorld, now: Instant, query: str) -> None:
    assert ask(knowlarity, now, query).status == 400


def test_a_call_is_listed_some_time_after_it_ended(knowlarity: KnowlarityWorld, now: Instant) -> None:
    knowlarity.faults = Faults(visible_after_us=45 * SECOND)
    call = knowlarity.dial(dialled(ring_s=5, talk_s=60), now)
    assert call.ended_at == now + 65 * SECOND
    assert listed(knowlarity, now + 109 * SECOND)["objects"] == []
    assert len(listed(knowlarity, now + 110 * SECOND)["objects"]) == 1


def test_the_recording_comes_later(knowlarity: KnowlarityWorld, now: Instant) -> None:
    knowlarity.faults = Faults(recording_after_us=10 * MINUTE)
    ended_at = knowlarity.dial(dialled(), now).ended_at
    assert listed(knowlarity, ended_at + 9 * MINUTE)["objects"][0]["call_recording"] == ""
    assert listed(knowlarity, ended_at + 10 * MINUTE)["objects"][0]["call_recording"] != ""


def test_a_missed_call_names_no_agent_and_has_no_recording(knowlarity: KnowlarityWorld, now: Instant) -> None:
    knowlarity.dial(dialled(outcome="missed"), now - HOUR)
    (record,) = listed(knowlarity, now)["objects"]
    assert record["agent_number"] == "Call Missed"
    assert (record["business_call_type"], record["call_duration"], record["call_recording"]) == ("Missed Call", 0, "")


def test_an_outbound_call_shows_our_number_as_the_caller(knowlarity: KnowlarityWorld, now: Instant) -> None:
    knowlarity.dial(dialled(direction="outbound"), now - HOUR)
    knowlarity.dial(dialled(direction="outbound", outcome="missed"), now - HOUR)
    unanswered, answered = sorted(listed(knowlarity, now)["objects"], key=lambda record: int(record["call_duration"]))
    assert (answered["Call_Type"], answered["business_call_type"]) == ("Outgoing", "Outbound")
    assert answered["caller_id"] == "+918045000001"
    assert (unanswered["business_call_type"], unanswered["agent_number"]) == ("Unanswered", "+918121000001")


def test_an_agent_can_carry_a_status_before_13_letters_of_number(knowlarity: KnowlarityWorld, now: Instant) -> None:
    knowlarity.faults = Faults(prefixed_agent_share=1.0)
    knowlarity.dial(dialled(), now - HOUR)
    agent = listed(knowlarity, now)["objects"][0]["agent_number"]
    assert (agent[-13:], agent[:-14]) == ("+918121000001", "Agent Answered")


def test_fields_drift_between_text_and_number(knowlarity: KnowlarityWorld, now: Instant) -> None:
    knowlarity.faults = Faults(drift_share=1.0)
    knowlarity.dial(dialled(talk_s=7), now - HOUR)
    (record,) = listed(knowlarity, now)["objects"]
    assert (record["call_duration"], record["extension"], record["customer_number"]) == ("7", "None", 919829123199)


def test_withheld_numbers_are_no_numbers(knowlarity: KnowlarityWorld, now: Instant) -> None:
    knowlarity.faults = Faults(withheld_share=1.0)
    knowlarity.dial(dialled(), now - HOUR)
    assert listed(knowlarity, now)["objects"][0]["customer_number"] == "Anonymous"


def test_filters_narrow_the_list(knowlarity: KnowlarityWorld, now: Instant) -> None:
    dial_many(knowlarity, now, 3)
    assert listed(knowlarity, now, customer_number="+919829100001")["meta"]["total_count"] == 1
    assert listed(knowlarity, now, business_call_type="Missed Call")["meta"]["total_count"] == 0


def test_the_gateway_answers_for_itself(knowlarity: KnowlarityWorld, now: Instant) -> None:
    query = window(now - HOUR, now)
    refused = ask(knowlarity, now, query, **{"x-api-key": "wrong"})
    assert (refused.status, json.loads(refused.body)) == (403, {"message": "Forbidden"})
    assert ask(knowlarity, now, query, authorization=f"Bearer {knowlarity.account.authorization}").status == 401
    knowlarity.faults = Faults(throttled_until=now + MINUTE)
    throttled = ask(knowlarity, now, query)
    assert (throttled.status, json.loads(throttled.body)) == (429, {"message": "Too Many Requests"})
    assert ask(knowlarity, now + MINUTE, query).status == 200
    knowlarity.faults = Faults(forbidden=True)
    assert ask(knowlarity, now, query).status == 403
    knowlarity.faults = Faults(server_error_share=1.0)
    assert ask(knowlarity, now, query).status == 502


def test_another_channel_is_not_there(knowlarity: KnowlarityWorld, now: Instant) -> None:
    headers = {"authorization": knowlarity.account.authorization, "x-api-key": knowlarity.account.api_key}
    request = WorldRequest(method="GET", path="/Premium/v1/account/calllog", headers=headers)
    assert knowlarity.handle(request, now).status == 404
