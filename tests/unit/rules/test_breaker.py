from hypothesis import given, settings
from hypothesis import strategies as st

from leadwire.model.times import MILLISECOND, SECOND, Instant, seconds
from leadwire.rules.breaker import Breaker, BreakerState

START = 1_700_000_000 * SECOND


def state(breaker: Breaker) -> BreakerState:
    return breaker.state  # read anew each time: the type checker takes a property for a constant


def broken(at: Instant = START) -> Breaker:
    breaker = Breaker()
    for _ in range(5):
        breaker.failed(at)
    assert state(breaker) == "open"
    return breaker


def test_it_lets_everything_through_while_the_destination_answers() -> None:
    breaker = Breaker()
    for second in range(100):
        now = START + second * SECOND
        assert breaker.allows(now)
        breaker.took(now)
        breaker.succeeded(now)
    assert state(breaker) == "closed"
    assert breaker.probe_at is None


def test_four_failures_do_not_open_it_and_the_fifth_does() -> None:
    breaker = Breaker()
    for _ in range(4):
        breaker.failed(START)
    assert state(breaker) == "closed"
    breaker.failed(START)
    assert state(breaker) == "open"
    assert breaker.probe_at == START + 2 * SECOND
    assert not breaker.allows(START)


def test_failures_spread_over_more_than_the_window_do_not_open_it() -> None:
    breaker = Breaker()
    for number in range(50):
        breaker.failed(START + number * seconds(2.6))
    assert state(breaker) == "closed"


def test_it_opens_when_half_of_the_tries_failed_and_not_before() -> None:
    breaker = Breaker()
    for _ in range(8):
        breaker.succeeded(START)
    for _ in range(7):
        breaker.failed(START)
    assert state(breaker) == "closed"
    breaker.failed(START)
    assert state(breaker) == "open"


def test_one_probe_goes_at_a_time_after_2_4_5_10_20_40_and_then_every_60_s() -> None:
    breaker, now, waits = broken(), START, []
    for _ in range(9):
        probe_at = breaker.probe_at
        assert probe_at is not None
        waits.append((probe_at - now) // SECOND)
        assert not breaker.allows(probe_at - 1)
        assert breaker.allows(probe_at)
        breaker.took(probe_at)
        assert state(breaker) == "half_open"
        assert not breaker.allows(probe_at + SECOND)
        now = probe_at + SECOND
        breaker.failed(now)
        assert state(breaker) == "open"
    assert waits == [2, 4, 5, 10, 20, 40, 60, 60, 60]


def test_a_probe_that_succeeds_closes_it_and_the_next_outage_begins_anew() -> None:
    breaker = broken()
    breaker.took(START + 2 * SECOND)
    breaker.failed(START + 2 * SECOND)
    breaker.took(START + 6 * SECOND)
    breaker.succeeded(START + 6 * SECOND)
    assert state(breaker) == "closed"
    assert breaker.probe_at is None
    now = START + 7 * SECOND
    for _ in range(5):
        assert breaker.allows(now)
        breaker.failed(now)
    assert breaker.probe_at == now + 2 * SECOND


def test_late_failures_do_not_put_the_probe_off() -> None:
    breaker = broken()
    for late in range(50):
        breaker.failed(START + late * 30 * MILLISECOND)
    assert breaker.probe_at == START + 2 * SECOND


def test_all_failures_of_one_probing_batch_are_one_refusal() -> None:
    breaker = broken()
    probe_at = START + 2 * SECOND
    breaker.took(probe_at)
    for _ in range(100):
        breaker.failed(probe_at)
    assert breaker.probe_at == probe_at + 4 * SECOND


def test_a_late_success_closes_it() -> None:
    breaker = broken()
    breaker.succeeded(START + SECOND)
    assert state(breaker) == "closed"


def test_a_probe_of_which_no_word_comes_does_not_silence_it_for_ever() -> None:
    breaker = broken()
    breaker.took(START + 2 * SECOND)
    assert not breaker.allows(START + 61 * SECOND)
    assert breaker.allows(START + 62 * SECOND)


def test_a_clock_set_back_does_not_silence_it_for_hours() -> None:
    breaker = broken()
    assert not breaker.allows(START - SECOND)
    assert breaker.allows(START - 3600 * SECOND)


def test_ten_failures_in_a_row_open_it_however_much_succeeded_before() -> None:
    breaker = Breaker()
    for _ in range(10_000):
        breaker.succeeded(START)
    for _ in range(9):
        breaker.failed(START)
    breaker.succeeded(START)
    for _ in range(9):
        breaker.failed(START)
    assert breaker.probe_at is None
    breaker.failed(START)
    assert breaker.probe_at == START + 2 * SECOND


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 5_000), st.integers(10, 500), st.integers(1, 900))
def test_after_an_outage_of_15_s_it_is_closed_within_13_s_and_few_tries_were_wasted(
    begins_ms: int, every_ms: int, reply_ms: int
) -> None:
    """A caller with work at hand all the time, whose tries end after `reply_ms`."""
    breaker = Breaker()
    begins = START + begins_ms * MILLISECOND
    ends = begins + 15 * SECOND
    running: list[Instant] = []
    now, wasted = START, 0
    while now < ends + 13 * SECOND:
        for begun in [begun for begun in running if begun + reply_ms * MILLISECOND <= now]:
            running.remove(begun)
            (breaker.failed if begins <= begun < ends else breaker.succeeded)(now)
        if breaker.allows(now):
            breaker.took(now)
            running.append(now)
            wasted += begins <= now < ends
        now += every_ms * MILLISECOND
    assert state(breaker) == "closed"
    assert wasted <= 10 + reply_ms // every_ms + 1 + 4
