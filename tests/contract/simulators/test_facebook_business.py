"""Meta's own client drives the simulated Graph API over a real socket: what it can read, a connector can rely on."""

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from facebook_business.adobjects.lead import Lead
from facebook_business.adobjects.leadgenform import LeadgenForm
from facebook_business.adobjects.page import Page as BusinessPage
from facebook_business.adobjects.user import User
from facebook_business.api import FacebookAdsApi
from facebook_business.exceptions import FacebookRequestError
from facebook_business.session import FacebookSession

from leadwire.model.times import HOUR, SECOND, Instant
from leadwire.simulators.meta.book import Ad, Origin, Page
from leadwire.simulators.meta.faults import Faults
from leadwire.simulators.meta.world import MetaWorld

Client = Callable[[str], Any]
AD = Ad(ad_id="11", ad_name="Ad", adset_id="12", adset_name="Set", campaign_id="13", campaign_name="Campaign")
ALL_FIELDS = ["created_time", "ad_id", "ad_name", "campaign_name", "form_id", "is_organic", "platform", "field_data"]


@pytest.fixture
def client(graph_url: str, meta: MetaWorld) -> Iterator[Client]:
    """Clients by token. They send the app secret's proof, as Meta's client does when it knows the secret."""
    sessions = []

    def make(token: str) -> Any:
        session = FacebookSession(app_id=meta.app.id, app_secret=meta.app.secret, access_token=token, timeout=20)
        session.GRAPH = graph_url
        session.requests.trust_env = False
        sessions.append(session)
        return FacebookAdsApi(session, api_version="v26.0")

    yield make
    for session in sessions:
        session.requests.close()


@pytest.fixture
def page(meta: MetaWorld) -> Page:
    return next(iter(meta.pages.values()))


def submit(meta: MetaWorld, page: Page, at: Instant, name: str = "प्रिया शर्मा") -> str:
    answers = {"full_name": [name], "quais_opções_você_prefere?": ["loan", "सेवा"]}
    return meta.submit(page.id, page.forms[0].id, at, answers, Origin(ad=AD, platform="ig")).id


async def refused(call: Callable[[], Any]) -> FacebookRequestError:
    with pytest.raises(FacebookRequestError) as caught:
        await asyncio.to_thread(call)
    return caught.value


async def test_a_lead_is_read(client: Client, meta: MetaWorld, page: Page, clock: Callable[[], Instant]) -> None:
    lead_id = submit(meta, page, clock())
    meta.faults = Faults(require_appsecret_proof=True)
    lead = await asyncio.to_thread(lambda: Lead(lead_id, api=client(page.access_token)).api_get(fields=ALL_FIELDS))
    assert (lead["id"], lead["form_id"], lead["ad_id"]) == (lead_id, page.forms[0].id, "11")
    assert (lead["is_organic"], lead["platform"]) == (False, "ig")
    assert [(item["name"], item["values"]) for item in lead["field_data"]] == [
        ("full_name", ["प्रिया शर्मा"]),
        ("quais_opções_você_prefere?", ["loan", "सेवा"]),
    ]


async def test_all_leads_of_a_form_are_paged_through(
    client: Client, meta: MetaWorld, page: Page, clock: Callable[[], Instant]
) -> None:
    start = clock() - HOUR
    ids = [submit(meta, page, start + number * SECOND) for number in range(55)]
    params = {
        "limit": 20,
        "filtering": [{"field": "time_created", "operator": "GREATER_THAN", "value": start // SECOND + 4}],
    }

    def read() -> list[str]:
        form = LeadgenForm(page.forms[0].id, api=client(page.access_token))
        return [lead["id"] for lead in form.get_leads(fields=["id", "field_data"], params=params)]

    assert await asyncio.to_thread(read) == ids[:4:-1]


async def test_a_batch_gives_each_item_its_own_outcome(
    client: Client, meta: MetaWorld, page: Page, clock: Callable[[], Instant]
) -> None:
    lead_id = submit(meta, page, clock())
    good: list[Any] = []
    bad: list[Any] = []

    def read() -> Any:
        api = client(page.access_token)
        batch = api.new_batch()
        for wanted in (lead_id, "17"):
            Lead(wanted, api=api).api_get(
                fields=["id", "field_data"], batch=batch, success=good.append, failure=bad.append
            )
        return batch.execute()

    assert await asyncio.to_thread(read) is None
    assert [answer.json()["id"] for answer in good] == [lead_id]
    assert [(answer.status(), answer.json()["error"]["error_subcode"]) for answer in bad] == [(400, 33)]


async def test_null_items_are_what_the_client_asks_again(
    client: Client, meta: MetaWorld, page: Page, clock: Callable[[], Instant]
) -> None:
    ids = [submit(meta, page, clock()) for _ in range(30)]
    meta.faults = Faults(batch_null_share=0.5)
    good: list[str] = []

    def read() -> int:
        api = client(page.access_token)
        batch, rounds = api.new_batch(), 0
        for lead_id in ids:
            Lead(lead_id, api=api).api_get(
                fields=["id"], batch=batch, success=lambda answer: good.append(answer.json()["id"]), failure=pytest.fail
            )
        while batch is not None:
            batch, rounds = batch.execute(), rounds + 1
        return rounds

    assert await asyncio.to_thread(read) > 1
    assert sorted(good) == sorted(ids)


async def test_a_test_lead_is_created_listed_and_deleted(client: Client, meta: MetaWorld, page: Page) -> None:
    def create_and_delete() -> tuple[str, list[str], list[str]]:
        api = client(page.access_token)
        form = LeadgenForm(page.forms[0].id, api=api)
        created = form.create_test_lead(params={"field_data": [{"name": "email", "values": ["me@example.com"]}]})
        before = [lead["id"] for lead in form.get_test_leads(fields=["id", "field_data"])]
        Lead(created["id"], api=api).api_delete()
        return created["id"], before, [lead["id"] for lead in form.get_test_leads()]

    created, before, after = await asyncio.to_thread(create_and_delete)
    assert before == [created]
    assert after == []
    assert created not in meta.leads


async def test_pages_forms_and_subscriptions_are_listed(client: Client, meta: MetaWorld, page: Page) -> None:
    def read() -> tuple[list[Any], list[Any], list[Any]]:
        accounts = User("me", api=client(meta.app.user_token)).get_accounts(fields=["id", "name", "access_token"])
        api_page = BusinessPage(page.id, api=client(page.access_token))
        api_page.create_subscribed_app(params={"subscribed_fields": ["leadgen"]})
        forms = api_page.get_lead_gen_forms(fields=["id", "name", "questions", "leads_count"])
        return list(accounts), list(forms), list(api_page.get_subscribed_apps())

    accounts, forms, apps = await asyncio.to_thread(read)
    assert [(one["id"], one["access_token"]) for one in accounts] == [
        (p.id, p.access_token) for p in meta.pages.values()
    ]
    assert [form["id"] for form in forms] == [form.id for form in page.forms]
    assert forms[0]["questions"][0]["key"] == "full_name"
    assert [app["id"] for app in apps] == [meta.app.id]


async def test_errors_arrive_with_all_their_parts(
    client: Client, meta: MetaWorld, page: Page, clock: Callable[[], Instant]
) -> None:
    lead_id = submit(meta, page, clock())
    api = client(page.access_token)
    cases = [
        (Faults(readable_after_us=HOUR), (400, 100, 33, "GraphMethodException", False)),
        (Faults(throttled_pages={page.id: clock() + HOUR}), (400, 80005, None, "OAuthException", False)),
        (Faults(dead_tokens={page.access_token: 463}), (400, 190, 463, "OAuthException", False)),
        (Faults(app_limit_until=clock() + HOUR), (400, 4, None, "OAuthException", True)),
    ]
    for faults, expected in cases:
        meta.faults = faults
        error = await refused(lambda: Lead(lead_id, api=api).api_get(fields=["id"]))
        parts = (error.http_status(), error.api_error_code(), error.api_error_subcode(), error.api_error_type())
        assert (*parts, error.api_transient_error()) == expected


async def test_the_minutes_to_wait_are_in_the_headers_of_the_error(
    client: Client, meta: MetaWorld, page: Page, clock: Callable[[], Instant]
) -> None:
    meta.faults = Faults(throttled_pages={page.id: clock() + HOUR})
    api = client(page.access_token)
    error = await refused(lambda: LeadgenForm(page.forms[0].id, api=api).get_leads())
    usage = json.loads(error.http_headers()["X-Business-Use-Case-Usage"])[page.business_id][0]
    assert usage["type"] == "leadgen"
    assert 59 <= usage["estimated_time_to_regain_access"] <= 60
    assert error.http_headers()["facebook-api-version"] == "v26.0"


async def test_a_wrong_secret_makes_a_wrong_proof(graph_url: str, page: Page) -> None:
    session = FacebookSession(app_secret="another", access_token=page.access_token, timeout=20)
    session.GRAPH = graph_url
    error = await refused(lambda: BusinessPage(page.id, api=FacebookAdsApi(session, "v26.0")).api_get())
    session.requests.close()
    assert (error.api_error_code(), error.api_error_message()) == (
        100,
        "Invalid appsecret_proof provided in the API argument",
    )
