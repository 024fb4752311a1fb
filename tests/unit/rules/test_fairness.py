import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadwire.rules.fairness import fresh_share


@pytest.mark.parametrize(
    ("limit", "backlog", "share"),
    [
        (8, 0, 0),
        (8, 1, 2),
        (8, 10**6, 2),
        (100, 5, 25),
        (4, 5, 1),
        (3, 5, 1),
        (2, 5, 1),
        (1, 5, 0),
        (0, 5, 0),
        (-3, 5, 0),
    ],
)
def test_a_quarter_of_the_slots_is_kept_for_fresh_leads_while_a_backlog_waits(
    limit: int, backlog: int, share: int
) -> None:
    assert fresh_share(limit, backlog) == share


@settings(deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 10**7))
def test_neither_the_fresh_nor_the_backlog_is_ever_shut_out(limit: int, backlog: int) -> None:
    share = fresh_share(limit, backlog)
    assert 0 <= share <= limit
    if limit > 1 and backlog:
        assert 0 < share < limit
