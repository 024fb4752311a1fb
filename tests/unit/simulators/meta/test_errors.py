import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from leadwire.model.times import DAY, HOUR, MINUTE, SECOND, Instant
from leadwire.simulators.exchange import WorldAnswer, WorldRequest
from leadwire.simulators.meta.book import Page, SimLead
from leadwire.simulators.meta.faults import Faults
from leadwire.simulators.meta.world import MetaWorld

Graph = Callable[..., tuple[int, Any]]
Answers = Callable[..., WorldAnswer]


@pytest.fixture
def page(meta: MetaWorld) -> Page:
    return next(iter(meta.pages.values()))


@pytest.fixture
def lead(meta: MetaWorld, page: Page, now: Instant) -> SimLead:
    return meta.submit(page.id, page.forms[0].id, now, {"full_name": ["Madhu"]})


def error_of(answered: tuple[int, Any]) -> tuple[int, int, int | None]:
    status, body = answered
    return status, body["error"]["code"], body["error"].get("error_subcode")


def test_every_error_comes_in_metas_envelope(graph: Graph) -> None:
    status, body = graph("/v26.0/17")
    assert status == 400
    error = body["error"]
    assert set(error) == {"message", "type", "code", "error_subcode", "fbtrace_id"}
    assert error["message"].startswith(
        "Unsupported get request. Object with ID '17' does not exist, cannot be loaded due to"
    )
    assert (error["type"], error["code"], error["error_subcode"]) == ("GraphMethodException", 100, 33)


def test_a_lead_is_unreadable_until_its_time(meta: MetaWorld, graph: Graph, lead: SimLead, now: Instant) -> None:
    meta.faults = Faults(readable_after_us=30 * SECOND)
    assert error_of(graph(f"/{lead.id}", now + 30 * SECOND - 1)) == (400, 100, 33)
    assert graph(f"/{lead.id}", now + 30 * SECOND)[0] == 200


def test_a_throttled_page_gets_400_without_retry_after_and_the_minutes_in_a_header(
    meta: MetaWorld, graph_answer: Answers, page: Page, lead: SimLead, now: Instant
) -> None:
    meta.faults = Faults(throttled_pages={page.id: now + 90 * SECOND})
    answer = graph_answer(f"/{lead.id}")
    assert answer.status == 400
    assert json.loads(answer.body)["error"]["code"] == 80005
    assert "retry-after" not in answer.headers
    usage = json.loads(answer.headers["x-business-use-case-usage"])[page.business_id][0]
    assert (usage["type"], usage["call_count"], usage["estimated_time_to_regain_access"]) == ("leadgen", 100, 2)
    assert graph_answer(f"/{lead.id}", now + 90 * SECOND).status == 200


def test_one_throttled_page_leaves_the_others_alone(meta: MetaWorld, graph: Graph, page: Page, now: Instant) -> None:
    other = list(meta.pages.values())[1]
    meta.faults = Faults(throttled_pages={page.id: now + HOUR})
    assert graph(f"/{other.id}/leadgen_forms", token=other.access_token)[0] == 200
    assert error_of(graph(f"/{page.id}/leadgen_forms"))[1] == 80005


@pytest.mark.parametrize("subcode", [458, 459, 460, 463, 467])
def test_a_dead_token_is_190_with_its_subcode(
    meta: MetaWorld, graph: Graph, page: Page, lead: SimLead, subcode: int
) -> None:
    meta.faults = Faults(dead_tokens={page.access_token: subcode})
    assert error_of(graph(f"/{lead.id}")) == (400, 190, subcode)
    assert graph(f"/{lead.id}", token=meta.app.user_token)[0] == 200


def test_a_token_that_nobody_issued_is_190_and_none_at_all_is_104(graph: Graph, lead: SimLead) -> None:
    assert error_of(graph(f"/{lead.id}", token="made up")) == (400, 190, None)
    assert error_of(graph(f"/{lead.id}", token="")) == (400, 104, None)


def test_app_and_custom_limits_hold_until_their_time(
    meta: MetaWorld, graph: Graph, lead: SimLead, now: Instant
) -> None:
    meta.faults = Faults(app_limit_until=now + HOUR)
    assert error_of(graph(f"/{lead.id}")) == (400, 4, None)
    meta.faults = Faults(custom_limit_until=now + HOUR)
    assert error_of(graph(f"/{lead.id}")) == (400, 613, 1996)
    assert graph(f"/{lead.id}", now + HOUR)[0] == 200


def test_counted_limits_end_with_their_window(
    meta: MetaWorld, graph_answer: Answers, graph: Graph, page: Page, lead: SimLead, now: Instant
) -> None:
    meta.faults = Faults(app_calls_per_hour=4)
    assert [graph(f"/{lead.id}")[0] for _ in range(5)] == [200, 200, 200, 200, 400]
    later = now + HOUR
    answer = graph_answer(f"/{lead.id}", later)
    assert answer.status == 200
    assert json.loads(answer.headers["x-app-usage"])["call_count"] == 25
    meta.faults = Faults(page_calls_per_day=10)
    tomorrow = (now // DAY + 1) * DAY
    codes = Counter(graph(f"/{lead.id}", tomorrow)[1].get("error", {}).get("code") for _ in range(12))
    assert codes == {None: 10, 80005: 2}
    assert graph(f"/{lead.id}", tomorrow + DAY)[0] == 200


def test_leads_access_manager_hides_or_denies_leads_for_ever(
    meta: MetaWorld, graph: Graph, page: Page, lead: SimLead, now: Instant
) -> None:
    meta.faults = Faults(leads_access={page.id: "missing"})
    assert error_of(graph(f"/{lead.id}", now + 30 * DAY)) == (400, 100, 33)
    assert error_of(graph(f"/{page.forms[0].id}/leads")) == (400, 100, 33)
    meta.faults = Faults(leads_access={page.id: "denied"})
    assert error_of(graph(f"/{lead.id}", now + 30 * DAY))[1] == 200
    assert error_of(graph(f"/{page.forms[0].id}/leads"))[1] == 200
    assert graph(f"/{page.id}/leadgen_forms")[0] == 200


def test_without_an_ads_permission_ad_fields_fail_and_the_rest_can_be_read(
    meta: MetaWorld, graph: Graph, page: Page, lead: SimLead
) -> None:
    meta.faults = Faults(ads_fields={page.id: "fail"})
    assert error_of(graph(f"/{lead.id}", fields="id,field_data,campaign_name"))[:2] == (400, 200)
    assert graph(f"/{lead.id}", fields="id,field_data,form_id,platform")[0] == 200
    meta.faults = Faults(ads_fields={page.id: "vanish"})
    assert graph(f"/{lead.id}", fields="id,ad_id") == (200, {"id": lead.id})


def test_an_unknown_field_is_refused(graph: Graph, lead: SimLead) -> None:
    status, body = graph(f"/{lead.id}", fields="id,colour")
    assert (status, body["error"]["message"]) == (
        400,
        "(#100) Tried accessing nonexisting field (colour) on node type (LeadGenData)",
    )


def test_passing_faults_are_json_with_is_transient_or_a_gateway_page(
    meta: MetaWorld, graph_answer: Answers, lead: SimLead
) -> None:
    meta.faults = Faults(server_error_share=1.0)
    answers = [graph_answer(f"/{lead.id}") for _ in range(40)]
    pages = [answer for answer in answers if answer.headers["content-type"].startswith("text/html")]
    errors = [json.loads(answer.body)["error"] for answer in answers if answer.status == 500]
    assert pages
    assert all(answer.status == 503 for answer in pages)
    assert {error["code"] for error in errors} == {1, 2}
    assert all(error["is_transient"] for error in errors)


def test_transport_faults_are_told_to_the_server(meta: MetaWorld, graph_answer: Answers, lead: SimLead) -> None:
    meta.faults = Faults(reset_share=1.0)
    assert graph_answer(f"/{lead.id}").fault == "reset"
    meta.faults = Faults(hang_share=1.0)
    assert graph_answer(f"/{lead.id}").fault == "hang"
    meta.faults = Faults(latency_us=SECOND, latency_jitter_us=SECOND)
    delays = {graph_answer(f"/{lead.id}").delay_us for _ in range(20)}
    assert len(delays) > 1
    assert all(SECOND <= delay <= 2 * SECOND for delay in delays)


@pytest.mark.parametrize(
    "request_",
    [
        WorldRequest(method="GET", path="/v26.0/1/leads/3"),
        WorldRequest(method="PATCH", path="/17", query="access_token=sim-page-token-1"),
        WorldRequest(method="GET", path="/%ff%00", query="access_token=sim-page-token-1&fields=,,"),
        WorldRequest(method="POST", path="/", headers={"content-type": "application/json"}, body=b"[" * 100_000),
        WorldRequest(method="POST", path="/", body=b"\xff\xfe&batch=%5B%5D", query="access_token=sim-page-token-1"),
        WorldRequest(method="POST", path="/", body=b"batch=%5B1%5D", query="access_token=sim-page-token-1"),
        WorldRequest(
            method="POST",
            path="/172036835026334/test_leads",
            body=b"field_data=7",
            query="access_token=sim-page-token-1",
        ),
        WorldRequest(
            method="GET", path="/172036835026334/leads", query="access_token=sim-page-token-1&limit=" + "9" * 5000
        ),
        WorldRequest(method="GET", path="/172036835026334/leads", query="access_token=sim-page-token-1&after=%00%7F"),
        WorldRequest(method="GET", path="/172036835026334/leads", query="access_token=sim-page-token-1&limit=%C2%B2"),
    ],
)
def test_hostile_requests_are_answered(meta: MetaWorld, now: Instant, request_: WorldRequest) -> None:
    answer = meta.handle(request_, now)
    assert answer.status in {200, 400}
    assert json.loads(answer.body) is not None


def test_usage_counts_calls_of_the_hour(meta: MetaWorld, graph_answer: Answers, lead: SimLead, now: Instant) -> None:
    meta.faults = Faults(app_calls_per_hour=100)
    shares = [
        json.loads(graph_answer(f"/{lead.id}", now + MINUTE).headers["x-app-usage"])["call_count"] for _ in range(3)
    ]
    assert shares == [1, 2, 3]
