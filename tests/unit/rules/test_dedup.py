"""When two pushes are the same push."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadwire.model.event import RawRequest
from leadwire.model.times import MINUTE
from leadwire.rules.dedup import dedup_key

REQUEST = RawRequest(
    method="POST",
    path="/webhooks/x",
    query=b"a=1",
    headers=(("content-type", "a/b"),),
    body=b"{}",
    received_at=100 * MINUTE,
)


def changed(**fields: object) -> RawRequest:
    return msgspec.structs.replace(REQUEST, **fields)


def key(request: RawRequest, push_id: str | None = None, *, collapses: bool = True) -> bytes:
    return dedup_key(request, push_id, collapses_identical=collapses)


def test_a_key_has_16_bytes_that_never_change_between_releases() -> None:
    assert key(REQUEST).hex() == "017989a11139525e1cc74cd55a5f825b"
    assert key(REQUEST, "msg_1").hex() == "e48e15379c18109c7ffacd33f68cbe3c"


def test_identical_bytes_are_one_push_however_late_and_by_whatever_other_headers() -> None:
    later = changed(received_at=900 * MINUTE, headers=(("x-trace", "1"), ("content-type", "a/b")))
    assert key(later) == key(REQUEST)


@pytest.mark.parametrize(
    "other",
    [{"body": b"{ }"}, {"query": b"a=2"}, {"method": "GET"}, {"headers": (("content-type", "a/c"),)}],
    ids=["body", "query", "method", "content-type"],
)
def test_any_other_byte_is_another_push(other: dict[str, object]) -> None:
    assert key(changed(**other)) != key(REQUEST)


def test_without_ids_inside_the_minute_counts() -> None:
    same_minute, next_minute = changed(received_at=101 * MINUTE - 1), changed(received_at=101 * MINUTE)
    assert key(same_minute, collapses=False) == key(REQUEST, collapses=False)
    assert key(next_minute, collapses=False) != key(REQUEST, collapses=False)


def test_with_an_id_time_and_query_do_not_count_but_the_body_does() -> None:
    assert key(changed(query=b"", received_at=0), "msg_1", collapses=False) == key(REQUEST, "msg_1")
    assert key(changed(body=b"other"), "msg_1") != key(REQUEST, "msg_1")
    assert key(REQUEST, "msg_2") != key(REQUEST, "msg_1")


@given(st.binary(max_size=20), st.binary(max_size=20), st.binary(max_size=20), st.binary(max_size=20))
def test_bytes_never_slip_from_one_part_into_another(query: bytes, body: bytes, query2: bytes, body2: bytes) -> None:
    same = (query, body) == (query2, body2)
    assert (key(changed(query=query, body=body)) == key(changed(query=query2, body=body2))) is same


@given(st.text(max_size=20), st.text(max_size=20))
def test_two_ids_make_two_keys(one: str, other: str) -> None:
    assert (key(REQUEST, one) == key(REQUEST, other)) is (one == other)


def test_a_lone_surrogate_in_an_id_is_no_crash() -> None:
    assert len(key(REQUEST, "\ud800")) == 16
