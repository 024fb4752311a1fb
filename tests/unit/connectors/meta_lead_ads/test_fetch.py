"""Reading leads: each error of the Graph API becomes its own outcome, and one bad lead costs no other."""

import json
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from leadwire.connectors.meta_lead_ads.settings import MetaSettings
from leadwire.connectors.meta_lead_ads.source import FIELD_LISTS, MetaLeadAds
from leadwire.sdk import (
    HOUR,
    MINUTE,
    EgressRefused,
    FetchingSource,
    HttpAnswer,
    HttpRequest,
    NotSent,
    NotYetReadable,
    Pointer,
    Record,
    ReplyLost,
    SourceAuthBroken,
    SourceError,
    SourceRefused,
    SourceUnavailable,
    Throttled,
    Tools,
    decode_setting,
)

PROOF = "92df2c7d06a0bea4fc2b80f86300143642d76252e572eb8556f74bdebb3b3c06"
SETTINGS: dict[str, Any] = {
    "app_secret": "test_app_secret",
    "verify_token": "v",
    "graph_url": "https://graph.example.com/",
    "pages": [{"id": "1", "access_token": "TEST_PAGE_TOKEN"}, {"id": "2", "access_token": "OTHER"}],
}


class Script(Protocol):
    requests: list[HttpRequest]
    script: list[HttpAnswer | Exception]


class Bench(Protocol):
    now: int

    @property
    def http(self) -> Script: ...
    def advance(self, duration_s: float) -> None: ...
    def tools(self) -> Tools: ...


def source(bench: Bench, **more: object) -> MetaLeadAds:
    return MetaLeadAds(msgspec.convert({**SETTINGS, **more}, MetaSettings, dec_hook=decode_setting), bench.tools())


def pointer(native_id: str = "7", scope: str = "1") -> Pointer:
    return Pointer(native_id=native_id, scope=scope, occurred_at=5, context={"page_id": scope})


def good(native_id: str = "7") -> dict[str, object]:
    return {"id": native_id, "created_time": "2015-02-28T08:49:14+0000", "field_data": []}


def answer(payload: object, status: int = 200, **headers: str) -> HttpAnswer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpAnswer(status=status, headers=named, body=json.dumps(payload).encode())


def error(code: int, subcode: int = 0, message: str = "said", **more: object) -> dict[str, object]:
    return {"error": {"message": message, "type": "OAuthException", "code": code, "error_subcode": subcode, **more}}


def item(payload: object, code: int = 200, headers: dict[str, str] | None = None) -> dict[str, object]:
    listed = [{"name": name, "value": value} for name, value in (headers or {}).items()]
    return {"code": code, "headers": listed, "body": json.dumps(payload)}


async def outcome(bench: Bench, *script: HttpAnswer | Exception) -> Record | SourceError:
    bench.http.script = list(script)
    (result,) = await source(bench).fetch([pointer()])
    return result


async def test_one_lead_is_one_get_with_token_proof_and_fields(bench: Bench) -> None:
    result = await outcome(bench, answer(good()))
    assert isinstance(result, Record)
    (request,) = bench.http.requests
    parts = urlsplit(request.url)
    assert (request.method, parts.netloc, parts.path) == ("GET", "graph.example.com", "/v26.0/7")
    asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
    assert asked == {"fields": FIELD_LISTS[0], "access_token": "TEST_PAGE_TOKEN", "appsecret_proof": PROOF}


async def test_the_proof_can_be_left_out(bench: Bench) -> None:
    bench.http.script = [answer(good())]
    await source(bench, require_proof=False).fetch([pointer()])
    assert "appsecret_proof" not in bench.http.requests[0].url


async def test_several_leads_are_one_batch_in_the_body(bench: Bench) -> None:
    bench.http.script = [answer([item(good("7")), item(good("8"))])]
    results = await source(bench).fetch([pointer("7"), pointer("8")])
    assert [result.native_id for result in results if isinstance(result, Record)] == ["7", "8"]
    (request,) = bench.http.requests
    assert (request.method, request.url) == ("POST", "https://graph.example.com/v26.0/")
    form = parse_qs(request.body.decode())
    assert (form["access_token"], form["appsecret_proof"]) == (["TEST_PAGE_TOKEN"], [PROOF])
    assert [each["relative_url"] for each in json.loads(form["batch"][0])] == [
        f"{native_id}?fields={FIELD_LISTS[0]}" for native_id in ("7", "8")
    ]


async def test_more_than_fifty_leads_are_several_batches_each_with_its_pages_token(bench: Bench) -> None:
    pointers = [pointer(str(number), "1") for number in range(60)] + [pointer("100", "2"), pointer("101", "2")]
    ids = [each.native_id for each in pointers]
    bench.http.script = [answer([item(good(each)) for each in part]) for part in (ids[:50], ids[50:60], ids[60:])]
    results = await source(bench).fetch(pointers)
    assert [result.native_id for result in results if isinstance(result, Record)] == ids
    tokens = [parse_qs(request.body.decode())["access_token"][0] for request in bench.http.requests]
    assert tokens == ["TEST_PAGE_TOKEN", "TEST_PAGE_TOKEN", "OTHER"]


async def test_one_bad_lead_never_costs_its_batch(bench: Bench) -> None:
    bad = [None, item(error(100, 33), 400), item(error(1), 500), {"code": 200, "body": "{"}, {"code": 200}, 7, item([])]
    bench.http.script = [answer([item(good("0")), *bad])]
    results = await source(bench).fetch([pointer(str(number)) for number in range(len(bad) + 2)])
    assert isinstance(results[0], Record)
    kinds = [SourceUnavailable, NotYetReadable, *[SourceUnavailable] * 6]
    assert [type(result) for result in results[1:]] == kinds


@pytest.mark.parametrize(
    "failure", [NotSent("https://x?access_token=T"), ReplyLost("T"), EgressRefused("10.0.0.1: no")]
)
async def test_no_answer_makes_every_lead_unavailable_and_tells_no_token(bench: Bench, failure: Exception) -> None:
    bench.http.script = [failure]
    results = await source(bench).fetch([pointer("7"), pointer("8")])
    assert [type(result) for result in results] == [SourceUnavailable, SourceUnavailable]
    assert "access_token" not in str(results[0])


@pytest.mark.parametrize(
    ("payload", "status", "kind"),
    [
        (error(100, 33), 400, NotYetReadable),
        (error(190, 463), 400, SourceAuthBroken),
        (error(102), 400, SourceAuthBroken),
        (error(100, message="Invalid appsecret_proof provided in the API argument"), 400, SourceAuthBroken),
        (error(4, is_transient=True), 400, Throttled),
        (error(17), 400, Throttled),
        (error(32), 400, Throttled),
        (error(613, 1996), 400, Throttled),
        (error(80001), 400, Throttled),
        (error(80005), 400, Throttled),
        (error(368), 400, Throttled),
        (error(1), 400, SourceUnavailable),
        (error(2), 500, SourceUnavailable),
        (error(5000, 99), 400, SourceUnavailable),
        (error(960), 400, SourceUnavailable),
        (error(104), 400, SourceUnavailable),
        (error(5000, is_transient=True), 400, SourceUnavailable),
        (error(5000), 503, SourceUnavailable),
        (error(5000), 400, SourceRefused),
        ({"error": "odd"}, 400, SourceUnavailable),
        ([], 200, SourceUnavailable),
        ({"data": 1}, 200, SourceUnavailable),
        ("x", 503, SourceUnavailable),
        ({}, 429, Throttled),
    ],
)
async def test_each_error_has_its_own_outcome(bench: Bench, payload: object, status: int, kind: type) -> None:
    assert type(await outcome(bench, answer(payload, status))) is kind


@pytest.mark.parametrize(("code", "subcode"), [(10, 0), (200, 0), (299, 0), (100, 0), (803, 0)])
async def test_a_refusal_is_asked_again_with_fewer_fields_and_then_final(bench: Bench, code: int, subcode: int) -> None:
    result = await outcome(bench, *[answer(error(code, subcode), 400)] * 3)
    assert isinstance(result, SourceRefused)
    asked = [parse_qs(urlsplit(request.url).query)["fields"][0] for request in bench.http.requests]
    assert asked == list(FIELD_LISTS)


async def test_an_html_page_of_a_gateway_is_a_passing_fault(bench: Bench) -> None:
    result = await outcome(bench, HttpAnswer(status=503, headers={}, body=b"<html>"))
    assert isinstance(result, SourceUnavailable)


async def test_unreadable_and_refused_leads_name_the_leads_access_manager(bench: Bench) -> None:
    for script in ([answer(error(100, 33), 400)], [answer(error(200), 400)] * 3):
        assert "Leads access" in str(await outcome(bench, *script))


@pytest.mark.parametrize(
    ("code", "headers", "wait", "scope"),
    [
        (80005, {}, MINUTE, "1"),
        (
            80005,
            {"x_business_use_case_usage": '{"9":[{"type":"leadgen","estimated_time_to_regain_access":5}]}'},
            5 * MINUTE,
            "1",
        ),
        (
            80005,
            {
                "x_business_use_case_usage": '{"9":[{"estimated_time_to_regain_access":5}],"8":[{"estimated_time_to_regain_access":12}]}'
            },
            12 * MINUTE,
            "1",
        ),
        (4, {"x_app_usage": '{"call_count":100}'}, MINUTE, "*"),
        (17, {"x_ad_account_usage": '{"acc_id_util_pct":100,"reset_time_duration":300}'}, 5 * MINUTE, "1"),
        (32, {"x_business_use_case_usage": "broken"}, MINUTE, "1"),
        (368, {}, HOUR, "1"),
    ],
)
async def test_a_throttle_says_who_waits_and_until_when(
    bench: Bench, code: int, headers: dict[str, str], wait: int, scope: str
) -> None:
    result = await outcome(bench, answer(error(code), 400, **headers))
    assert isinstance(result, Throttled)
    assert (result.until - bench.now, result.scope) == (wait, scope)


async def test_a_dead_token_concerns_its_page_only(bench: Bench) -> None:
    bench.http.script = [answer(error(190), 400), answer(good("8"))]
    results = await source(bench).fetch([pointer("7", "1"), pointer("8", "2")])
    assert isinstance(results[0], SourceAuthBroken)
    assert results[0].scope == "1"
    assert isinstance(results[1], Record)


async def test_a_page_without_a_token_is_refused_without_a_call(bench: Bench) -> None:
    (result,) = await source(bench).fetch([pointer("7", "99")])
    assert isinstance(result, SourceRefused)
    assert bench.http.requests == []


async def test_fewer_fields_are_remembered_for_an_hour(bench: Bench) -> None:
    meta = source(bench)
    refused = answer(error(200, message="(#200) Requires ads_management permission to read the field ad_id"), 403)
    bench.http.script = [refused, answer(good()), answer(good()), answer(good())]
    (result,) = await meta.fetch([pointer()])
    assert isinstance(result, Record)
    await meta.fetch([pointer()])
    bench.advance(3601)
    await meta.fetch([pointer()])
    asked = [parse_qs(urlsplit(request.url).query)["fields"][0] for request in bench.http.requests]
    assert asked == [FIELD_LISTS[0], FIELD_LISTS[1], FIELD_LISTS[1], FIELD_LISTS[0]]


async def test_one_odd_lead_takes_no_fields_from_the_others(bench: Bench) -> None:
    meta = source(bench)
    bench.http.script = [answer([item(good("7")), item(error(100), 400)]), answer(good("8")), answer(good("9"))]
    results = await meta.fetch([pointer("7"), pointer("8")])
    assert all(isinstance(result, Record) for result in results)
    await meta.fetch([pointer("9")])
    assert FIELD_LISTS[0].split(",")[-1] in bench.http.requests[-1].url


@pytest.mark.parametrize("outer", [answer(error(100), 400), answer({}, 404), answer(error(2500), 400)])
async def test_a_refused_batch_is_read_lead_by_lead(bench: Bench, outer: HttpAnswer) -> None:
    bench.http.script = [outer, answer(good("7")), answer(error(100, 33), 400)]
    results = await source(bench).fetch([pointer("7"), pointer("8")])
    assert [type(result) for result in results] == [Record, NotYetReadable]


async def test_a_short_batch_answer_leaves_the_rest_for_later(bench: Bench) -> None:
    bench.http.script = [answer([item(good("7"))])]
    results = await source(bench).fetch([pointer("7"), pointer("8")])
    assert [type(result) for result in results] == [Record, SourceUnavailable]


async def test_usage_is_read_from_every_answer_of_a_batch(bench: Bench) -> None:
    meta = source(bench)
    usage = {"X-Business-Use-Case-Usage": '{"9":[{"type":"leadgen","call_count":40,"total_time":61}]}'}
    bench.http.script = [
        answer(
            [item(good("7"), headers=usage), item(good("8"))],
            x_app_usage='{"call_count":28}',
            facebook_api_version="v25.0",
        )
    ]
    await meta.fetch([pointer("7"), pointer("8")])
    assert meta.usage == {"*": 28.0, "1": 61.0}
    assert meta.served_version == "v25.0"


@pytest.mark.parametrize(
    ("headers", "scope", "wait"),
    [
        ({"x_app_usage": '{"call_count":95}'}, "*", MINUTE),
        (
            {"x_business_use_case_usage": '{"9":[{"call_count":96,"estimated_time_to_regain_access":7}]}'},
            "1",
            7 * MINUTE,
        ),
    ],
)
async def test_an_almost_full_limit_waits_before_meta_refuses(
    bench: Bench, headers: dict[str, str], scope: str, wait: int
) -> None:
    meta = source(bench)
    bench.http.script = [answer(good(), 200, **headers), answer(good())]
    (first,) = await meta.fetch([pointer()])
    (held,) = await meta.fetch([pointer()])
    assert isinstance(first, Record)
    assert isinstance(held, Throttled)
    assert (held.scope, held.until - bench.now, len(bench.http.requests)) == (scope, wait, 1)
    bench.advance(wait / 1_000_000)
    (after,) = await meta.fetch([pointer()])
    assert isinstance(after, Record)


async def test_the_newest_reading_of_a_limit_counts(bench: Bench) -> None:
    meta = source(bench)
    full, free = ({"X-Page-Usage": f'{{"call_count":{percent}}}'} for percent in (99, 40))
    bench.http.script = [answer([item(good("7"), headers=full), item(good("8"), headers=free)]), answer(good("9"))]
    await meta.fetch([pointer("7"), pointer("8")])
    (result,) = await meta.fetch([pointer("9")])
    assert isinstance(result, Record)


async def test_another_page_goes_on_while_one_waits(bench: Bench) -> None:
    meta = source(bench)
    bench.http.script = [answer(good(), x_page_usage='{"call_count":99}'), answer(good("8"))]
    await meta.fetch([pointer("7", "1")])
    results = await meta.fetch([pointer("9", "1"), pointer("8", "2")])
    assert [type(result) for result in results] == [Throttled, Record]


async def test_messages_are_bounded_and_plain(bench: Bench) -> None:
    result = await outcome(bench, answer(error(5000, message="a\n\x1b[31m" + "x" * 5000), 400))
    assert len(str(result)) < 400
    assert str(result).isprintable()


def test_it_is_a_fetching_source(bench: Bench) -> None:
    assert isinstance(source(bench), FetchingSource)
