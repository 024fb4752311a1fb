from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadwire.model.times import MINUTE, SECOND, Instant, seconds
from leadwire.rules.rate import RateWindow

START = 1_700_000_000 * SECOND


def greedy(rate: RateWindow, takes: int, pauses: list[Instant]) -> list[Instant]:
    """When a caller goes that always goes as soon as it may, `pauses` later each time."""
    now, taken = START, []
    for number in range(takes):
        now += pauses[number % len(pauses)]
        wait = rate.wait_us(now)
        assert wait >= 0
        now += wait
        assert rate.wait_us(now) == 0
        rate.take(now)
        taken.append(now)
    return taken


def shortest_stretch(taken: list[Instant], count: int) -> Instant:
    """The shortest time from one take to the one `count` places later."""
    return min(later - earlier for earlier, later in zip(taken, taken[count:], strict=False))


@settings(deadline=None)
@given(
    st.integers(1, 40),
    st.floats(min_value=0.01, max_value=3600),
    st.lists(st.integers(0, 2 * SECOND), min_size=1, max_size=20),
)
def test_no_window_ever_holds_more_than_the_count(count: int, window_s: float, pauses: list[Instant]) -> None:
    taken = greedy(RateWindow(count, window_s), 5 * count + 5, pauses)
    assert shortest_stretch(taken, count) > window_s * SECOND * 1.019


@settings(deadline=None, max_examples=10)
@given(st.integers(10_001, 15_000), st.lists(st.integers(0, 2000), min_size=1, max_size=20))
def test_no_window_ever_holds_more_than_a_large_count(count: int, pauses: list[Instant]) -> None:
    taken = greedy(RateWindow(count, 10.0), 3 * count, pauses)
    assert shortest_stretch(taken, count) > 10 * SECOND * 1.019


@pytest.mark.parametrize(("count", "window_s"), [(10, 1.0), (1200, 60.0), (50_000, 60.0), (0.5, 1.0)])
def test_a_hurried_caller_gets_nearly_all_of_the_rate(count: float, window_s: float) -> None:
    taken = greedy(RateWindow(count, window_s), 4 * max(int(count), 1) + 1, [0])
    length = window_s / min(count, 1.0)
    assert taken[-1] - taken[0] <= 4 * length * 1.03 * SECOND


def test_a_burst_of_the_whole_count_may_go_at_once_and_the_next_waits_the_window_and_2_percent() -> None:
    rate = RateWindow(10, 1.0)
    assert greedy(rate, 10, [0]) == [START] * 10
    assert rate.wait_us(START) == seconds(1.02)
    assert rate.wait_us(START + seconds(1.02) - 1) == 1
    assert rate.wait_us(START + seconds(1.02)) == 0


def test_less_than_one_in_the_window_is_one_in_as_much_longer_a_window() -> None:
    taken = greedy(RateWindow(0.25, 1.0), 4, [0])
    assert [later - earlier for earlier, later in pairwise(taken)] == [seconds(4.08)] * 3


def test_asking_takes_nothing() -> None:
    rate = RateWindow(1, 1.0)
    assert [rate.wait_us(START) for _ in range(5)] == [0] * 5


def test_a_clock_set_back_gives_no_more_and_does_not_stop_it() -> None:
    rate = RateWindow(2, 1.0)
    rate.take(START)
    rate.take(START + seconds(0.5))
    back = START - 60 * MINUTE
    assert rate.wait_us(back) == seconds(0.52)
    assert rate.wait_us(back + seconds(0.52)) == 0


def test_memory_stays_small_for_any_count() -> None:
    rate = RateWindow(1_000_000, 60.0)
    for number in range(100_000):
        rate.take(START + number * 600)
    assert len(rate._taken) <= 202


@pytest.mark.parametrize(("count", "window_s"), [(0, 1.0), (-1, 1.0), (1, 0.0), (float("nan"), 1.0)])
def test_a_rate_that_lets_nothing_through_is_refused(count: float, window_s: float) -> None:
    with pytest.raises(ValueError, match="above zero"):
        RateWindow(count, window_s)
