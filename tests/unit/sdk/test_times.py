"""The times of sources, in every way they write them."""

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadwire.sdk import Instant, from_datetime, read_instant, to_datetime, to_iso

KOLKATA = ZoneInfo("Asia/Kolkata")


@pytest.mark.parametrize(
    ("written", "iso"),
    [
        (1630087926, "2021-08-27T18:12:06Z"),
        ("1630087926", "2021-08-27T18:12:06Z"),
        (1630087926.5, "2021-08-27T18:12:06.500000Z"),
        (1630087926123, "2021-08-27T18:12:06.123000Z"),
        ("1630087926123", "2021-08-27T18:12:06.123000Z"),
        (1630087926123456, "2021-08-27T18:12:06.123456Z"),
        ("2015-02-28T08:49:14+0000", "2015-02-28T08:49:14Z"),
        ("2015-02-28T08:49:14Z", "2015-02-28T08:49:14Z"),
        ("2016-09-27 09:19:34.667036+05:30", "2016-09-27T03:49:34.667036Z"),
        ("2016-09-27 09:19:34 +05:30", "2016-09-27T03:49:34Z"),
        ("2016-09-27 09:19:34 05:30", "2016-09-27T03:49:34Z"),
        ("2016-09-27 09:19:34 0530", "2016-09-27T03:49:34Z"),
        ("2016-09-27 09:19:34", "2016-09-27T03:49:34Z"),
        ("2016-09-27T09:19", "2016-09-27T03:49:00Z"),
        ("2016-09-27", "2016-09-26T18:30:00Z"),
        ("20160927", "2016-09-26T18:30:00Z"),
    ],
)
def test_a_time_is_read_as_it_was_meant(written: object, iso: str) -> None:
    instant = read_instant(written, KOLKATA)
    assert instant is not None
    assert to_iso(instant) == iso


def test_a_time_without_a_zone_is_utc_where_none_is_given() -> None:
    instant = read_instant("2016-09-27 09:19:34")
    assert instant is not None
    assert to_iso(instant) == "2016-09-27T09:19:34Z"


@pytest.mark.parametrize(
    "written",
    [
        None,
        "",
        "soon",
        "None",
        True,
        0,
        -5,
        float("nan"),
        float("inf"),
        10**30,
        "9" * 60,
        [],
        {},
        "0001-01-01T00:00:00",
        b"1",
    ],
)
def test_what_is_no_time_is_none(written: object) -> None:
    assert read_instant(written, KOLKATA) is None


@given(st.text(max_size=80))
def test_no_text_makes_it_fail(text: str) -> None:
    read_instant(text, KOLKATA)


@given(st.integers(min_value=10**15, max_value=4 * 10**15))
def test_an_instant_survives_its_own_iso_text(instant: Instant) -> None:
    assert read_instant(to_iso(instant), KOLKATA) == instant
    assert from_datetime(to_datetime(instant)) == instant
