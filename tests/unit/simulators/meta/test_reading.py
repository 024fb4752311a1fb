from collections.abc import Callable
from typing import Any

import pytest

from leadwire.model.times import SECOND, Instant
from leadwire.simulators.exchange import WorldAnswer, WorldRequest
from leadwire.simulators.meta.book import Ad, Form, Origin, Question, SimLead
from leadwire.simulators.meta.faults import Faults
from leadwire.simulators.meta.signing import appsecret_proof
from leadwire.simulators.meta.world import MetaWorld

Graph = Callable[..., tuple[int, Any]]
AD = Ad(ad_id="11", ad_name="Ad", adset_id="12", adset_name="Set", campaign_id="13", campaign_name="Campaign")


@pytest.fixture
def lead(meta: MetaWorld, now: Instant) -> SimLead:
    page = next(iter(meta.pages.values()))
    answers = {"full_name": ["प्रिया"], "topics?": ["loan", "सेवा"], "remarks": []}
    consents = {"optional_1": True, "optional_2": False}
    return meta.submit(page.id, page.forms[0].id, now, answers, Origin(ad=AD, platform="ig", consents=consents))


def first_page(meta: MetaWorld) -> tuple[str, str, str]:
    page = next(iter(meta.pages.values()))
    return page.id, page.forms[0].id, page.access_token


def test_a_lead_shows_the_fields_asked_for_and_its_id(graph: Graph, lead: SimLead) -> None:
    fields = "created_time,ad_id,ad_name,adset_id,campaign_name,form_id,is_organic,platform,field_data,custom_disclaimer_responses"
    status, body = graph(f"/v26.0/{lead.id}", fields=fields)
    assert status == 200
    assert body == {
        "created_time": "2025-10-31T21:22:23+0000",
        "ad_id": "11",
        "ad_name": "Ad",
        "adset_id": "12",
        "campaign_name": "Campaign",
        "form_id": lead.form_id,
        "is_organic": False,
        "platform": "ig",
        "field_data": [
            {"name": "full_name", "values": ["प्रिया"]},
            {"name": "topics?", "values": ["loan", "सेवा"]},
            {"name": "remarks", "values": []},
        ],
        "custom_disclaimer_responses": [
            {"checkbox_key": "optional_1", "is_checked": "1"},
            {"checkbox_key": "optional_2", "is_checked": ""},
        ],
        "id": lead.id,
    }


def test_an_organic_lead_has_no_ad_fields(meta: MetaWorld, graph: Graph, now: Instant) -> None:
    page_id, form_id, _ = first_page(meta)
    organic = meta.submit(page_id, form_id, now, {})
    _, body = graph(f"/{organic.id}", fields="id,ad_id,campaign_id,is_organic,platform")
    assert body == {"id": organic.id, "is_organic": True, "platform": "fb"}


def test_many_leads_are_read_by_ids_and_one_bad_id_fails_all(
    meta: MetaWorld, graph: Graph, lead: SimLead, now: Instant
) -> None:
    other = meta.submit(*first_page(meta)[:2], now, {})
    status, body = graph("/v26.0/", ids=f"{lead.id},{other.id}", fields="id")
    assert (status, body) == (200, {lead.id: {"id": lead.id}, other.id: {"id": other.id}})
    assert graph("/", ids=f"{lead.id},17", fields="id")[0] == 400


def test_the_token_may_come_in_the_authorization_header(meta: MetaWorld, lead: SimLead, now: Instant) -> None:
    token = first_page(meta)[2]
    request = WorldRequest(method="GET", path=f"/{lead.id}", headers={"authorization": f"Bearer {token}"})
    assert meta.handle(request, now).status == 200
    assert meta.handle(WorldRequest(method="GET", path=f"/{lead.id}"), now).status == 400


def test_a_page_token_reads_its_own_page_only(meta: MetaWorld, graph: Graph, lead: SimLead) -> None:
    other = list(meta.pages.values())[1]
    assert graph(f"/{lead.id}", token=other.access_token)[1]["error"]["error_subcode"] == 33
    assert graph(f"/{lead.id}", token=meta.app.user_token)[0] == 200


def test_forms_and_their_questions_are_listed(meta: MetaWorld, graph: Graph, lead: SimLead) -> None:
    page_id, form_id, _ = first_page(meta)
    meta.add_form(page_id, Form(id="555", name="Example Form, new", questions=(Question(key="q?", options=("A b",)),)))
    status, body = graph(f"/v26.0/{page_id}/leadgen_forms", fields="id,name,status,locale,questions,leads_count")
    assert status == 200
    shown = {form["id"]: form for form in body["data"]}
    assert shown[form_id]["leads_count"] == 1
    assert shown["555"]["questions"][0]["options"] == [{"key": "a_b", "value": "A b"}]
    assert graph(f"/{form_id}", fields="questions")[1]["questions"][0]["key"] == "full_name"


def test_a_user_token_lists_its_pages_with_their_tokens(meta: MetaWorld, graph: Graph) -> None:
    status, first = graph("/v26.0/me/accounts", token=meta.app.user_token, fields="id,name,access_token", limit="1")
    assert status == 200
    assert "next" in first["paging"]
    _, second = graph("/me/accounts", token=meta.app.user_token, limit="1", after=first["paging"]["cursors"]["after"])
    assert "next" not in second["paging"]
    tokens = [page["access_token"] for page in first["data"] + second["data"]]
    assert tokens == [page.access_token for page in meta.pages.values()]


def test_a_token_can_be_inspected(meta: MetaWorld, graph: Graph) -> None:
    page_id, _, token = first_page(meta)
    _, alive = graph("/debug_token", token=meta.app.access_token, input_token=token)
    assert alive["data"]["is_valid"]
    assert alive["data"]["profile_id"] == page_id
    assert "leads_retrieval" in alive["data"]["scopes"]
    meta.faults = Faults(dead_tokens={token: 460})
    _, dead = graph("/debug_token", token=meta.app.access_token, input_token=token)
    assert not dead["data"]["is_valid"]
    assert dead["data"]["error"]["error_subcode"] == 460


def test_a_wrong_proof_is_always_refused_and_a_missing_one_when_required(
    meta: MetaWorld, graph: Graph, lead: SimLead
) -> None:
    token = first_page(meta)[2]
    proof = appsecret_proof(meta.app.secret, token)
    assert graph(f"/{lead.id}", appsecret_proof="0" * 64)[1]["error"]["code"] == 100
    assert graph(f"/{lead.id}")[0] == 200
    meta.faults = Faults(require_appsecret_proof=True)
    assert graph(f"/{lead.id}", appsecret_proof=proof)[0] == 200
    status, body = graph(f"/{lead.id}")
    assert (status, body["error"]["code"]) == (400, 100)
    assert "appsecret_proof" in body["error"]["message"]


@pytest.mark.parametrize(
    ("asked", "served"), [("/v26.0", "v26.0"), ("/v23.0", "v23.0"), ("/v27.0", "v20.0"), ("", "v20.0")]
)
def test_every_answer_names_the_version_that_served_it(
    graph_answer: Callable[..., WorldAnswer], lead: SimLead, asked: str, served: str
) -> None:
    answer = graph_answer(f"{asked}/{lead.id}")
    assert answer.status == 200
    assert answer.headers["facebook-api-version"] == served
    assert ("x-ad-api-version-warning" in answer.headers) is (served == "v20.0")


def test_a_test_lead_has_dummy_answers_and_is_the_only_one_of_its_form(
    meta: MetaWorld, graph: Graph, now: Instant
) -> None:
    _, form_id, _ = first_page(meta)
    status, created = graph(f"/v26.0/{form_id}/test_leads", method="POST")
    assert status == 200
    assert graph(f"/{form_id}/test_leads", method="POST")[0] == 400
    _, body = graph(f"/{created['id']}", fields="field_data,is_organic")
    values = {item["name"]: item["values"] for item in body["field_data"]}
    assert values["full_name"] == ["<test lead: dummy data for full_name>"]
    assert values["email"] == ["test@meta.com"]
    assert body["is_organic"]
    assert len(meta.notifications_due(now)) == 1
    assert graph(f"/{form_id}/test_leads")[1]["data"][0]["id"] == created["id"]
    assert graph(f"/{created['id']}", method="DELETE") == (200, {"success": True})
    assert graph(f"/{form_id}/test_leads")[1] == {"data": []}
    assert graph(f"/{form_id}/test_leads", method="POST")[0] == 200


def test_a_test_lead_takes_given_answers_and_a_real_lead_is_not_deleted(
    graph: Graph, meta: MetaWorld, lead: SimLead
) -> None:
    _, form_id, _ = first_page(meta)
    given = [{"name": "email", "values": ["me@example.com"]}]
    _, created = graph(f"/{form_id}/test_leads", method="POST", field_data=given)
    _, body = graph(f"/{created['id']}", fields="field_data")
    assert {"name": "email", "values": ["me@example.com"]} in body["field_data"]
    assert graph(f"/{lead.id}", method="DELETE")[0] == 400
    assert lead.id in meta.leads


def test_a_page_without_the_app_is_silent_until_it_is_subscribed(meta: MetaWorld, graph: Graph, now: Instant) -> None:
    page_id, form_id, _ = first_page(meta)
    edge = f"/{page_id}/subscribed_apps"
    assert graph(edge)[1]["data"][0]["subscribed_fields"] == ["leadgen"]
    assert graph(edge, method="DELETE")[1] == {"success": True}
    assert graph(edge)[1] == {"data": []}
    meta.submit(page_id, form_id, now, {})
    assert meta.notifications_due(now) == []
    assert graph(edge, method="POST", subscribed_fields="leadgen")[1] == {"success": True}
    meta.submit(page_id, form_id, now, {})
    assert len(meta.notifications_due(now)) == 1
    assert graph(edge, token=meta.app.user_token)[1]["error"]["code"] == 210


def test_a_registered_callback_gets_a_handshake_before_any_lead(meta: MetaWorld, graph: Graph, now: Instant) -> None:
    page_id, form_id, _ = first_page(meta)
    wanted = {
        "object": "page",
        "callback_url": "https://x.example/hook",
        "fields": "leadgen",
        "verify_token": "tell me",
    }
    edge = f"/{meta.app.id}/subscriptions"
    assert graph(edge, method="POST", token=meta.app.access_token, **wanted)[0] == 200
    meta.submit(page_id, form_id, now, {})
    (handshake,) = meta.notifications_due(now)
    query = dict(part.split("=") for part in handshake.query.split("&"))
    assert handshake.method == "GET"
    assert query["hub.mode"] == "subscribe"
    meta.acknowledge(handshake, 200, now, b"something else")
    assert meta.notifications_due(now + SECOND) == []
    graph(edge, method="POST", token=meta.app.access_token, **wanted)
    (handshake,) = meta.notifications_due(now)
    challenge = dict(part.split("=") for part in handshake.query.split("&"))["hub.challenge"]
    meta.acknowledge(handshake, 200, now, challenge.encode())
    assert len(meta.notifications_due(now)) == 1
    assert graph(edge, token=meta.app.access_token)[1]["data"][0]["active"]
