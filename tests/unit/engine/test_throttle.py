"""The throttle on guessing."""

from leadwire.engine.throttle import KEYS_MAX, Throttle
from leadwire.model.times import SECOND, Instant, seconds

NOW: Instant = 1_772_000_000 * SECOND


def _throttle() -> Throttle:
    return Throttle(free=2, first_s=1.0, longest_s=8.0, forget_after_s=600.0)


def _waits(throttle: Throttle, tries: int) -> list[int]:
    """What each further try had to wait for."""
    now, waits = NOW, []
    for _ in range(tries):
        wait = throttle.begin("key", now)
        if wait is not None:
            waits.append(wait)
            now += seconds(wait)
            assert throttle.begin("key", now) is None
    return waits


def test_each_failure_after_the_free_ones_waits_twice_as_long_up_to_the_longest() -> None:
    throttle = _throttle()
    assert [throttle.begin("key", NOW) for _ in range(2)] == [None, None]
    assert _waits(throttle, 6) == [1, 2, 4, 8, 8, 8]


def test_many_tries_at_once_gain_nothing() -> None:
    throttle = _throttle()
    assert [throttle.begin("key", NOW) for _ in range(50)].count(None) == 2


def test_a_good_try_does_not_count() -> None:
    throttle = _throttle()
    for _ in range(10):
        assert throttle.begin("key", NOW) is None
        throttle.refund("key")


def test_forgetting_starts_over() -> None:
    throttle = _throttle()
    throttle.begin("key", NOW)
    throttle.begin("key", NOW)
    throttle.forget("key")
    assert throttle.begin("key", NOW) is None


def test_old_failures_are_forgotten() -> None:
    throttle = _throttle()
    for _ in range(2):
        throttle.begin("key", NOW)
    later = NOW + seconds(601)
    assert [throttle.begin("key", later) for _ in range(3)] == [None, None, 1]


def test_keys_do_not_disturb_each_other_and_memory_is_bounded() -> None:
    throttle = _throttle()
    for number in range(KEYS_MAX + 50):
        assert throttle.begin(f"key{number}", NOW) is None
    assert len(throttle._tries) == KEYS_MAX
