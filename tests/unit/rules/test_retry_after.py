from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadwire.model.times import SECOND, from_datetime, to_datetime
from leadwire.rules.retry_after import retry_after_s

NOW = from_datetime(datetime(1994, 11, 6, 8, 49, 7, tzinfo=UTC))


@pytest.mark.parametrize(
    ("value", "wait_s"),
    [
        ("120", 120.0),
        (" 120 ", 120.0),
        ("0", 1.0),
        ("1.5", 1.5),
        ("0.35", 1.0),
        ("86400", 86_400.0),
        ("315360000", 86_400.0),
        ("9" * 60, 86_400.0),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 30.0),
        ("sun, 06 nov 1994 08:49:37 utc", 30.0),
        ("Sunday, 06-Nov-94 08:49:37 GMT", 30.0),
        ("Sun Nov  6 08:49:37 1994", 30.0),
        ("Wed Nov 16 08:49:37 1994", 86_400.0),
        ("Sun, 06 Nov 1994 08:49:60 GMT", 52.0),
        ("Sun, 06 Nov 1994 08:49:07 GMT", 1.0),
        ("Sat, 05 Nov 1994 08:49:37 GMT", 1.0),
        ("Sunday, 06-Nov-70 08:49:37 GMT", 1.0),
        ("Sunday, 06-Nov-30 08:49:37 GMT", 86_400.0),
        ("Sat, 06 Nov 2004 08:49:37 GMT", 86_400.0),
    ],
)
def test_what_it_asks_for_is_read_in_every_form_and_kept_between_a_second_and_a_day(value: str, wait_s: float) -> None:
    assert retry_after_s(value, NOW) == wait_s


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "soon",
        "-5",
        "+5",
        "1e3",
        "٣٠",
        "5, 10",
        "inf",
        "nan",
        "9" * 5000,
        "1994-11-06T08:49:37Z",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 +0530",
        "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sun, 06 Foo 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 25:49:37 GMT",
        "Sun, 06 Nov 0000 08:49:37 GMT",
        "06 Nov 1994",
    ],
)
def test_what_is_neither_a_number_nor_a_date_counts_as_absent(value: str | None) -> None:
    assert retry_after_s(value, NOW) is None


@settings(deadline=None)
@given(
    st.integers(SECOND * 31_536_000, SECOND * 4_733_510_400).map(to_datetime),  # 1971 to 2119
    st.integers(1, 86_400),
)
def test_a_date_and_its_seconds_say_the_same(moment: datetime, wait_s: int) -> None:
    moment = moment.replace(microsecond=0)
    later = moment + timedelta(seconds=wait_s)
    now = from_datetime(moment)
    forms = [
        format_datetime(later, usegmt=True),
        later.strftime("%A, %d-%b-%y %H:%M:%S GMT"),
        later.strftime("%a %b ") + f"{later.day:2d}" + later.strftime(" %H:%M:%S %Y"),
        str(wait_s),
    ]
    assert [retry_after_s(form, now) for form in forms] == [wait_s] * 4


@settings(deadline=None)
@given(st.text(max_size=70))
def test_no_text_makes_it_fail_or_wait_too_long(value: str) -> None:
    wait_s = retry_after_s(value, NOW)
    assert wait_s is None or 1.0 <= wait_s <= 86_400.0
