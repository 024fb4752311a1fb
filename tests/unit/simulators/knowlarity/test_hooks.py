import json
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

import pytest

from leadwire.model.times import HOUR, SECOND, Instant, from_datetime
from leadwire.simulators.knowlarity.book import Dialled
from leadwire.simulators.knowlarity.faults import Faults
from leadwire.simulators.knowlarity.world import KnowlarityWorld
from leadwire.simulators.push import Push

CALL = Dialled(customer="+919966679850", number="+918045000001", agent="+918121000001", ring_s=3, talk_s=7)


def pushed(world: KnowlarityWorld, now: Instant, faults: Faults | None = None, call: Dialled = CALL) -> list[Push]:
    world.faults = faults or Faults()
    world.dial(call, now)
    return world.notifications_due(now + HOUR)


def test_a_call_is_pushed_when_it_has_ended(knowlarity: KnowlarityWorld, now: Instant) -> None:
    knowlarity.dial(CALL, now)
    assert knowlarity.next_push_at() == now + 10 * SECOND
    assert knowlarity.notifications_due(now + 10 * SECOND - 1) == []
    assert len(knowlarity.notifications_due(now + 10 * SECOND)) == 1


def test_shape_a_is_all_text_with_two_zones(knowlarity: KnowlarityWorld, now: Instant) -> None:
    (push,) = pushed(knowlarity, now)
    assert (push.method, push.headers["Content-Type"]) == ("POST", "application/json")
    body: dict[str, Any] = json.loads(push.body)
    assert {type(value) for value in body.values()} == {str}
    assert (body["callid"], body["extension"], body["call_duration"]) == (knowlarity.calls[0].uuid, "None", "7")
    assert (body["caller_id"], body["dispnumber"]) == ("+919966679850", "+918045000001")
    assert body["start_time"].endswith("+00:00")
    assert body["end_time"].endswith("+05:30")
    times = [from_datetime(datetime.fromisoformat(body[name])) for name in ("start_time", "end_time")]
    assert times == [now, now + 10 * SECOND]


def test_a_missed_call_goes_to_a_voice_menu(knowlarity: KnowlarityWorld, now: Instant) -> None:
    missed = Dialled(customer="+919966679850", number="+918045000001", agent="+918121000001", outcome="missed")
    (push,) = pushed(knowlarity, now, call=missed)
    body = json.loads(push.body)
    assert (body["destination"], body["call_duration"], body["resource_url"]) == ("Welcome Sound", "0", "")


def test_the_form_shape_carries_the_same_fields(knowlarity: KnowlarityWorld, now: Instant) -> None:
    (push,) = pushed(knowlarity, now, Faults(push_shape="form"))
    assert push.headers["Content-Type"] == "application/x-www-form-urlencoded"
    fields = parse_qs(push.body.decode(), strict_parsing=True, keep_blank_values=True)
    assert fields["caller_id"] == ["+919966679850"]
    assert fields["type"] == ["dtmf"]


def test_shape_b_is_a_get_with_eight_parameters(knowlarity: KnowlarityWorld, now: Instant) -> None:
    (push,) = pushed(knowlarity, now, Faults(push_shape="query"))
    assert (push.method, push.body) == ("GET", b"")
    fields = parse_qs(push.query, strict_parsing=True, keep_blank_values=True)
    assert set(fields) == {
        "agent_number",
        "customer_number",
        "call_duration",
        "Call_Type",
        "business_call_type",
        "uuid",
        "caller_id",
        "resource_url",
    }
    assert fields["customer_number"] == ["+919966679850"]


@pytest.mark.parametrize("status", [None, 500, 404])
def test_a_failed_push_is_never_repeated(knowlarity: KnowlarityWorld, now: Instant, status: int | None) -> None:
    (push,) = pushed(knowlarity, now)
    knowlarity.acknowledge(push, status, now + HOUR)
    assert knowlarity.next_push_at() is None
    assert knowlarity.notifications_due(now + 48 * HOUR) == []
    assert knowlarity.snapshot()["counts"]["lost"] == 1


def test_some_hooks_are_never_sent_and_some_twice(knowlarity: KnowlarityWorld, now: Instant) -> None:
    assert pushed(knowlarity, now, Faults(dropped_push_share=1.0)) == []
    assert knowlarity.snapshot()["hooks_never_sent"] == 1
    first, second = pushed(knowlarity, now, Faults(duplicate_push_share=1.0))
    assert first.body == second.body
    assert first.number != second.number
