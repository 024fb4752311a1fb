"""What was turned away is counted, shown and logged, and none of it can flood us."""

import pytest
from structlog.testing import capture_logs

from leadwire.engine.refusals import Refusal, Refusals
from leadwire.model.times import MINUTE


def refusal(reason: str = "signature", at: int = 0) -> Refusal:
    return Refusal(at=at, source="meta", reason=reason, peer="192.0.2.7", body_bytes=12)


@pytest.fixture
def refusals() -> Refusals:
    return Refusals(kept_max=3, logged_per_minute=2)


def test_every_refusal_counts_under_its_source_and_reason(refusals: Refusals) -> None:
    for reason in ("signature", "signature", "body_size"):
        refusals.note(refusal(reason))
    assert refusals.counts == {("meta", "signature"): 2, ("meta", "body_size"): 1}


def test_only_the_last_ones_are_kept(refusals: Refusals) -> None:
    for at in range(10):
        refusals.note(refusal(at=at))
    assert [kept.at for kept in refusals.recent] == [7, 8, 9]


def test_a_flood_is_logged_at_a_rate_and_the_next_line_says_how_many_were_left_out(refusals: Refusals) -> None:
    with capture_logs() as lines:
        for _ in range(100):
            refusals.note(refusal())
        refusals.note(refusal(at=MINUTE))
    assert [line["left_out"] for line in lines] == [0, 0, 98]
    assert (lines[0]["source"], lines[0]["reason"], lines[0]["peer"]) == ("meta", "signature", "192.0.2.7")
