"""How long to wait before the next try. `chance` in [0, 1) spreads the tries; the caller draws it."""

RETRY_FIRST_S = 1.0
RETRY_GROWTH = 1.6
RETRY_CEILING_S = 3_600.0
RETRY_FLOOR_S = 0.1
RETRY_SURE_SHARE = 0.4

FETCH_FIRST_S = 2.0
FETCH_GROWTH = 1.5
FETCH_CEILING_S = 30.0
FETCH_HORIZON_S = 600.0
FETCH_TRIES_MIN = 20


def retry_delay_s(attempt: int, chance: float) -> float:
    """The wait after the `attempt`th finished try (from 1): at most 1 s, then 1.6 times as long each time, up to an hour.

    The wait lies between 0.4 of that bound and the bound itself. A delivery that met an outage of 15 s is tried within 20 s of
    its end, whatever was drawn. That is why the jitter is not quite full: with draws from zero on, many short waits can use up
    the quick tries within the outage and be followed by a wait of minutes.
    """
    return max(_spread(_bound(RETRY_FIRST_S, RETRY_GROWTH, RETRY_CEILING_S, attempt), chance), RETRY_FLOOR_S)


def fetch_delay_s(attempt: int, age_s: float, chance: float) -> float | None:
    """The wait for an id that its source knows but cannot show yet: within 2 s at first, growing to 30 s; None = park it.

    `age_s` is how long the id has been owed. After ten minutes it is parked; the last try is at ten minutes, not before. An id
    that is old because nobody could ask (leadwire was down, the token was dead, a clock jumped) still gets twenty tries.
    """
    left_s = FETCH_HORIZON_S - age_s
    if left_s <= 0 and attempt >= FETCH_TRIES_MIN:
        return None
    wait_s = _spread(_bound(FETCH_FIRST_S, FETCH_GROWTH, FETCH_CEILING_S, attempt), chance)
    return max(min(wait_s, left_s) if left_s > 0 else wait_s, RETRY_FLOOR_S)


def _bound(first_s: float, growth: float, ceiling_s: float, attempt: int) -> float:
    steps = min(max(attempt, 1) - 1, 64)
    return min(first_s * growth**steps, ceiling_s)


def _spread(bound_s: float, chance: float) -> float:
    return bound_s * (RETRY_SURE_SHARE + (1 - RETRY_SURE_SHARE) * chance)
