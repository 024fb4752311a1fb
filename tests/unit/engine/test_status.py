"""The status: which words stand for which figures."""

import msgspec
import pytest

from leadwire.engine.figures import EngineView, Tallies
from leadwire.engine.lags import LagPoint
from leadwire.engine.status import Report, Surveyed, document, report, spoken
from leadwire.model.pull import Pause
from leadwire.model.times import HOUR, MINUTE, SECOND
from leadwire.ports.delivery_queue import LaneTally
from leadwire.ports.event_log import SourceTally
from leadwire.ports.fetch_queue import FetchTally

NOW = 1_772_000_000 * SECOND
SEEN = SourceTally(source="meta", last_event_at=NOW - MINUTE)


def _report(
    source: SourceTally = SEEN,
    lane: LaneTally | None = None,
    fetches: FetchTally | None = None,
    pauses: list[Pause] | None = None,
    view: EngineView | None = None,
    is_ready: bool = True,
) -> Report:
    return report(
        Surveyed(
            now=NOW,
            sources=["meta"],
            destinations=["crm"],
            tallies=Tallies(
                lanes={} if lane is None else {lane.destination: lane},
                sources={source.source: source},
                fetches={} if fetches is None else {fetches.source: fetches},
                pauses=pauses or [],
            ),
            view=view or EngineView(),
            is_ready=is_ready,
        )
    )


def _pause(subject: str, cause: str) -> Pause:
    return msgspec.convert({"subject": subject, "cause": cause, "reason": "because", "paused_at": NOW - MINUTE}, Pause)


def test_all_is_well() -> None:
    made = _report(lane=LaneTally(destination="crm", last_delivered_at=NOW))
    assert made.is_well
    assert made.sentence == "Nothing is missing: every lead has arrived everywhere."
    assert [(line.state, line.hint) for line in made.sources] == [("ok", "")]
    assert [(line.state, line.hint) for line in made.lanes] == [("ok", "")]


def test_what_was_owed_a_moment_ago_is_on_the_way_and_not_missing() -> None:
    made = _report(lane=LaneTally(destination="crm", due=3, oldest_due_at=NOW - SECOND))
    assert made.is_well
    assert made.sentence == "Nothing is missing: 3 deliveries on the way."


def test_before_the_first_lead_the_page_says_so() -> None:
    made = _report(source=SourceTally(source="meta"))
    assert made.sentence == "Nothing is missing: no lead has come in yet."
    assert made.sources[0].state == "waiting"


@pytest.mark.parametrize(
    ("made", "state", "words"),
    [
        (_report(lane=LaneTally(destination="crm", dead=2)), "attention", "2 deliveries refused."),
        (
            _report(lane=LaneTally(destination="crm", due=7, oldest_due_at=NOW - 3 * HOUR)),
            "behind",
            "7 deliveries to crm owed, the oldest for 3 h.",
        ),
        (_report(pauses=[_pause("destination:crm", "manual")]), "paused", "Paused: crm."),
        (_report(pauses=[_pause("destination:crm", "auth")]), "attention", "Paused: crm."),
        (_report(pauses=[_pause("destination:crm", "gone")]), "attention", "Paused: crm."),
        (
            _report(
                lane=LaneTally(destination="crm", due=1, oldest_due_at=NOW - 2 * MINUTE),
                pauses=[_pause("destination:crm", "manual")],
            ),
            "paused",
            "1 delivery to crm owed, the oldest for 2 min.",
        ),
    ],
)
def test_a_lane_in_trouble_is_named(made: Report, state: str, words: str) -> None:
    assert not made.is_well
    assert made.lanes[0].state == state
    assert made.lanes[0].hint
    assert made.sentence == words


@pytest.mark.parametrize(
    ("made", "state", "words"),
    [
        (_report(fetches=FetchTally(source="meta", parked=1)), "attention", "1 lead could not be read."),
        (
            _report(source=SourceTally(source="meta", last_event_at=NOW, quarantined=2)),
            "attention",
            "2 events could not be understood.",
        ),
        (
            _report(
                source=SourceTally(
                    source="meta", last_event_at=NOW, unresolved=4, oldest_unresolved_at=NOW - 2 * MINUTE
                )
            ),
            "behind",
            "Behind: meta.",
        ),
        (_report(pauses=[_pause("source:meta/138", "auth")]), "attention", "Needs a new token: meta."),
    ],
)
def test_a_source_in_trouble_is_named(made: Report, state: str, words: str) -> None:
    assert not made.is_well
    assert made.sources[0].state == state
    assert made.sources[0].hint
    assert made.sentence == words


def test_a_throttled_source_waits_and_is_no_trouble() -> None:
    made = _report(pauses=[_pause("source:meta/138", "throttled")])
    assert made.is_well
    assert made.sources[0].state == "paused"


def test_a_destination_that_does_not_answer_is_retrying() -> None:
    made = _report(view=EngineView(breakers={"crm": "open"}))
    assert made.lanes[0].state == "retrying"


def test_a_storage_that_cannot_be_written_comes_first() -> None:
    made = _report(lane=LaneTally(destination="crm", dead=1), is_ready=False)
    assert made.sentence.startswith("The storage can't be written")
    assert not document(made).ready


def test_a_name_that_left_the_configuration_stays_visible_while_something_is_owed() -> None:
    made = _report(lane=LaneTally(destination="old", due=1, oldest_due_at=NOW))
    assert [line.name for line in made.lanes] == ["crm", "old"]
    assert made.lanes[1].state == "attention"
    assert [line.name for line in _report(lane=LaneTally(destination="old")).lanes] == ["crm"]


def test_the_document_has_the_shape_that_tools_rely_on() -> None:
    lag = LagPoint(at=NOW, count=3, p50_s=0.2, p95_s=1.5)
    made = msgspec.structs.replace(
        _report(
            lane=LaneTally(destination="crm", due=2, oldest_due_at=NOW - 1_500_000, dead=1),
            view=EngineView(last_poll_at={"meta": NOW}),
        ),
        lags={"resolved": lag},
    )
    assert msgspec.to_builtins(document(made)) == {
        "sources": [
            {
                "name": "meta",
                "last_event_at": "2026-02-25T06:12:20Z",
                "last_poll_at": "2026-02-25T06:13:20Z",
                "state": "ok",
                "hint": "",
            }
        ],
        "destinations": [{"name": "crm", "state": "attention", "due": 2, "oldest_due_s": 1.5, "dead": 1}],
        "lag": {
            "oldest_unresolved_s": None,
            "oldest_due_s": 1.5,
            "hops": {"resolved": {"count": 3, "p50_s": 0.2, "p95_s": 1.5}},
        },
        "ready": True,
    }


@pytest.mark.parametrize(
    ("duration", "words"),
    [(-5, "0 s"), (119 * SECOND, "119 s"), (2 * MINUTE, "2 min"), (2 * HOUR, "2 h"), (49 * HOUR, "2 days")],
)
def test_durations_are_spoken(duration: int, words: str) -> None:
    assert spoken(duration) == words
