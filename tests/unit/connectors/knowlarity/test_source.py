"""Knowlarity's door: the token, and the bodies and queries in which calls come."""

import json
from typing import Protocol

import msgspec
import pytest

from leadwire.connectors.knowlarity.settings import KnowlaritySettings
from leadwire.connectors.knowlarity.source import Knowlarity
from leadwire.sdk import PayloadInvalid, RawRequest, Record, SignatureInvalid, Tools, Unreadable, decode_setting

CALL = {"uuid": "u-1", "customer_number": "+918019858999", "start_time": "2025-12-06 11:11:21", "call_duration": 5}
FORM = b"uuid=u-1&customer_number=%2B918019858999&start_time=2025-12-06+11:11:21&call_duration=5"


class Bench(Protocol):
    def tools(self, region: str | None = ...) -> Tools: ...


def source(bench: Bench, **settings: object) -> Knowlarity:
    given = {"webhook_token": "gehe\u00edm", **settings}
    return Knowlarity(msgspec.convert(given, KnowlaritySettings, dec_hook=decode_setting), bench.tools(region=None))


def request(
    body: bytes = b"", *headers: tuple[str, str], method: str = "POST", query: bytes = b"token=gehe%C3%ADm"
) -> RawRequest:
    return RawRequest(
        method=method, path="/", query=query, headers=headers, body=body, received_at=1_772_000_000_000_000
    )


def test_the_token_counts_in_the_query_or_in_the_header(bench: Bench) -> None:
    source(bench).verify(request())
    source(bench).verify(request(b"", ("x-leadwire-token", "gehe\u00edm"), query=b""))


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        (b"", ()),
        (b"token=", ()),
        (b"token=wrong", ()),
        (b"token=gehe%C3%ADm&token=gehe%C3%ADm", ()),
        (b"token=gehe%C3%ADm", (("x-leadwire-token", "wrong"),)),
        (b"Token=gehe%C3%ADm", ()),
        (b"a&" * 2000, ()),
    ],
)
def test_no_token_a_wrong_one_or_two_of_them_are_refused(
    bench: Bench, query: bytes, headers: tuple[tuple[str, str], ...]
) -> None:
    with pytest.raises(SignatureInvalid):
        source(bench).verify(request(b"", *headers, query=query))


@pytest.mark.parametrize("query", [b"", b"token=", b"token=None"])
def test_without_a_configured_token_nothing_is_accepted(bench: Bench, query: bytes) -> None:
    for settings in ({"webhook_token": ""}, {"webhook_token": None}):
        with pytest.raises(SignatureInvalid):
            source(bench, **settings).verify(request(query=query))


@pytest.mark.parametrize(
    "body",
    [
        json.dumps(CALL).encode(),
        json.dumps([CALL]).encode(),
        json.dumps({"event": "call.completed", "data": CALL, "timestamp": "2025-12-06T05:46:20Z"}).encode(),
        json.dumps({"data": [CALL]}).encode(),
        json.dumps({"meta": {"next": ""}, "objects": [CALL]}).encode(),
        FORM,
        b"data=" + json.dumps(CALL).replace("+", "%2B").encode(),
    ],
)
@pytest.mark.parametrize("content_type", ["application/json", "application/x-www-form-urlencoded", "text/plain", None])
def test_a_post_is_read_whatever_its_content_type_says(bench: Bench, body: bytes, content_type: str | None) -> None:
    headers = () if content_type is None else (("content-type", content_type),)
    (record,) = source(bench).parse(request(body, *headers))
    assert isinstance(record, Record)
    assert (record.native_id, record.phone, record.answers) == ("u-1", "+918019858999", {})
    assert record.call is not None
    assert record.call.duration_s == 5


def test_a_get_is_read_from_its_query_without_the_token(bench: Bench) -> None:
    (record,) = source(bench).parse(request(method="GET", query=FORM + b"&token=redacted"))
    assert isinstance(record, Record)
    assert (record.native_id, record.answers) == ("u-1", {})


def test_an_unescaped_plus_in_a_query_is_put_back(bench: Bench) -> None:
    (record,) = source(bench).parse(request(method="GET", query=b"uuid=u&customer_number=+918019858999"))
    assert isinstance(record, Record)
    assert record.phone == "+918019858999"


def test_the_configured_zone_is_that_of_naive_times(bench: Bench) -> None:
    (here,) = source(bench).parse(request(FORM))
    (dubai,) = source(bench, timezone="Asia/Dubai").parse(request(FORM))
    assert isinstance(here, Record)
    assert isinstance(dubai, Record)
    assert (dubai.occurred_at or 0) - (here.occurred_at or 0) == 90 * 60 * 1_000_000


def test_one_broken_call_of_a_list_costs_no_other(bench: Bench) -> None:
    parsed = list(source(bench).parse(request(json.dumps([CALL, None, 7, {}, {**CALL, "uuid": "u-2"}]).encode())))
    assert [type(each) for each in parsed] == [Record, Unreadable, Unreadable, Unreadable, Record]


@pytest.mark.parametrize("body", [b"", b"[]", b'{"data":[]}', b"{", b"[" * 100_000])
def test_a_push_without_any_call_is_payload_invalid(bench: Bench, body: bytes) -> None:
    with pytest.raises(PayloadInvalid):
        list(source(bench).parse(request(body)))


def test_an_unknown_zone_is_refused_with_the_fix(bench: Bench) -> None:
    with pytest.raises(msgspec.ValidationError, match="Asia/Kolkata"):
        source(bench, timezone="Asia/Nowhere")
