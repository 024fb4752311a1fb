from itertools import count, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadwire.rules.backoff import fetch_delay_s, retry_delay_s

chances = st.floats(min_value=0, max_value=1, exclude_max=True)
ALMOST_ONE = 1 - 2**-53


def retry_after_outage(first_at_s: float, draws: list[float], outage_s: float) -> float:
    """When a delivery first tried at `first_at_s` of an outage is tried after its end; draws beyond the list are the longest."""
    at_s = first_at_s
    for attempt in count(1):
        if at_s >= outage_s:
            return at_s
        at_s += retry_delay_s(attempt, draws[attempt - 1] if attempt <= len(draws) else ALMOST_ONE)
    raise AssertionError


@settings(deadline=None)
@given(st.floats(min_value=0, max_value=14.999), st.lists(chances, max_size=60))
def test_after_an_outage_of_15_s_every_retry_happens_within_20_s_of_its_end(at_s: float, draws: list[float]) -> None:
    assert retry_after_outage(at_s, draws, 15.0) <= 15.0 + 20.0


@pytest.mark.parametrize("shortest", range(60))
def test_no_row_of_shortest_waits_uses_up_the_quick_tries(shortest: int) -> None:
    assert retry_after_outage(0.0, [0.0] * shortest, 15.0) <= 15.0 + 20.0


@settings(deadline=None)
@given(st.integers(min_value=1, max_value=10**6), chances)
def test_a_wait_is_between_a_tenth_of_a_second_and_an_hour(attempt: int, chance: float) -> None:
    assert 0.1 <= retry_delay_s(attempt, chance) <= 3600.0


@pytest.mark.parametrize(
    ("attempt", "longest_s"), [(1, 1.0), (2, 1.6), (3, 2.56), (7, 16.777216), (19, 3600.0), (99, 3600.0)]
)
def test_the_bound_grows_from_one_second_to_an_hour(attempt: int, longest_s: float) -> None:
    assert retry_delay_s(attempt, ALMOST_ONE) == pytest.approx(longest_s)
    assert retry_delay_s(attempt, 0.0) == pytest.approx(longest_s * 0.4)


@settings(deadline=None)
@given(st.integers(min_value=1, max_value=40), chances, chances)
def test_chance_spreads_the_retries_over_more_than_half_of_the_bound(attempt: int, one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert retry_delay_s(attempt, low) <= retry_delay_s(attempt, high)
    assert retry_delay_s(attempt, ALMOST_ONE) - retry_delay_s(attempt, 0.0) > 0.5 * retry_delay_s(attempt, ALMOST_ONE)


@settings(deadline=None)
@given(st.lists(chances, min_size=1, max_size=80))
def test_an_unreadable_id_is_asked_for_within_2_s_then_for_ten_minutes_and_then_parked(draws: list[float]) -> None:
    at_s, asked_at_s = 0.0, [0.0]
    while (wait_s := fetch_delay_s(len(asked_at_s), at_s, draws[len(asked_at_s) % len(draws)])) is not None:
        assert 0.1 <= wait_s <= 30.0
        at_s += wait_s
        asked_at_s.append(at_s)
    assert asked_at_s[1] <= 2.0
    assert 600.0 <= asked_at_s[-1] <= 600.1
    assert max(later - earlier for earlier, later in pairwise(asked_at_s)) > 10.0
    assert len(asked_at_s) <= 70


def test_an_id_older_than_ten_minutes_is_parked_at_its_twentieth_failure() -> None:
    assert fetch_delay_s(20, 600.0, 0.5) is None
    assert fetch_delay_s(20, 86_400.0, 0.5) is None


def test_an_id_that_grew_old_unasked_is_asked_for_again_as_quickly_as_a_young_one() -> None:
    """The process was down, the token dead, or a clock jumped: none of it says that the lead can't be read."""
    for attempt in range(1, 20):
        assert fetch_delay_s(attempt, 86_400.0, 0.5) == fetch_delay_s(attempt, 0.0, 0.5)
