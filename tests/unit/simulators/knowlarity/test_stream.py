import json
from random import Random
from typing import Any

from leadwire.model.times import HOUR, SECOND, Instant
from leadwire.simulators.catalogue import example_knowlarity
from leadwire.simulators.exchange import WorldRequest
from leadwire.simulators.knowlarity.book import Dialled
from leadwire.simulators.knowlarity.faults import Faults
from leadwire.simulators.knowlarity.world import KnowlarityWorld

CALL = Dialled(customer="+919966679850", number="+918045000001", agent="+918121000001", ring_s=3, talk_s=7)


def events(frames: bytes) -> list[dict[str, Any]]:
    lines = frames.replace(b"\r\n", b"\n").split(b"\n\n")
    return [json.loads(line.removeprefix(b"data: ")) for line in lines if line.startswith(b"data: ")]


def kinds(frames: bytes) -> list[str]:
    return [event.get("event_type") or event["type"] for event in events(frames)]


def test_a_call_is_told_step_by_step_with_a_hang_up_per_leg_and_a_cdr(
    knowlarity: KnowlarityWorld, now: Instant
) -> None:
    stream = knowlarity.stream(now)
    call = knowlarity.dial(CALL, now)
    assert kinds(stream.frames(now)) == ["ORIGINATE", "AGENT_CALL"]
    assert stream.frames(now + SECOND) == b""
    assert kinds(stream.frames(now + 3 * SECOND)) == ["AGENT_ANSWER", "BRIDGE"]
    last = stream.frames(now + 10 * SECOND)
    assert kinds(last) == ["HANGUP", "HANGUP", "CDR"]
    assert [event.get("leg_identifier") for event in events(last)] == ["customer", "agent", None]
    cdr = events(last)[-1]
    assert (cdr["uuid"], cdr["call_duration"], cdr["business_call_type"]) == (call.uuid, "7", "Call Group")
    assert (cdr["caller"], cdr["knowlarity_number"]) == ("+919966679850", "+918045000001")


def test_a_missed_call_is_never_bridged(knowlarity: KnowlarityWorld, now: Instant) -> None:
    stream = knowlarity.stream(now)
    missed = Dialled(customer="+919966679850", number="+918045000001", agent="+918121000001", outcome="missed")
    knowlarity.dial(missed, now)
    told = stream.frames(now + HOUR)
    assert "BRIDGE" not in kinds(told)
    assert events(told)[-1]["agent_number"] == "Call Missed"


def test_nothing_is_replayed_to_a_later_stream(knowlarity: KnowlarityWorld, now: Instant) -> None:
    knowlarity.dial(CALL, now)
    late = knowlarity.stream(now + 5 * SECOND)
    assert kinds(late.frames(now + HOUR)) == ["HANGUP", "HANGUP", "CDR"]


def test_every_open_stream_hears_every_call(knowlarity: KnowlarityWorld, now: Instant) -> None:
    first, second, third = knowlarity.stream(now), knowlarity.stream(now), knowlarity.stream(now)
    first.close()
    knowlarity.dial(CALL, now)
    assert first.frames(now + HOUR) == b""
    assert second.frames(now + HOUR) == third.frames(now + HOUR) != b""


def test_lines_end_as_the_switch_says_and_comments_keep_it_alive(knowlarity: KnowlarityWorld, now: Instant) -> None:
    knowlarity.faults = Faults(stream_crlf=False, comment_every_us=15 * SECOND)
    stream = knowlarity.stream(now)
    assert stream.frames(now + 14 * SECOND) == b""
    assert stream.frames(now + 15 * SECOND) == b": keep-alive\n\n"
    knowlarity.faults = Faults(stream_crlf=True, comment_every_us=0)
    knowlarity.dial(CALL, now + 20 * SECOND)
    frames = stream.frames(now + 21 * SECOND)
    assert frames.endswith(b"}\r\n\r\n")
    assert b"keep-alive" not in frames


def test_a_cut_stream_ends_and_the_rest_is_gone(knowlarity: KnowlarityWorld, now: Instant) -> None:
    knowlarity.faults = Faults(stream_drop_share=1.0)
    stream = knowlarity.stream(now)
    knowlarity.dial(CALL, now)
    assert stream.frames(now) == b""
    assert stream.is_closed
    assert stream.frames(now + HOUR) == b""
    assert knowlarity.snapshot()["stream_cuts"] == 1


def test_some_events_never_come(now: Instant) -> None:
    world = example_knowlarity(Random(3))
    world.faults = Faults(dropped_event_share=0.5)
    stream = world.stream(now)
    for _ in range(100):
        world.dial(CALL, now)
    assert 250 < len(kinds(stream.frames(now + HOUR))) < 450


def test_the_stream_is_found_under_the_key_in_its_path(knowlarity: KnowlarityWorld, now: Instant) -> None:
    path = f"/update-stream/{knowlarity.account.authorization}/konnect"
    answer = knowlarity.handle(WorldRequest(method="GET", path=path), now)
    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.stream is not None
    wrong = knowlarity.handle(WorldRequest(method="GET", path="/update-stream/another/konnect"), now)
    assert (wrong.status, wrong.stream) == (403, None)
