import json
from collections.abc import Callable
from typing import Any

from leadwire.model.times import HOUR, Instant
from leadwire.simulators.meta.book import Page
from leadwire.simulators.meta.faults import Faults
from leadwire.simulators.meta.world import MetaWorld

Graph = Callable[..., tuple[int, Any]]


def fill(meta: MetaWorld, now: Instant, count: int) -> list[str]:
    page = next(iter(meta.pages.values()))
    return [meta.submit(page.id, page.forms[0].id, now, {"full_name": ["Żak"]}).id for _ in range(count)]


def reads(lead_ids: list[str], fields: str = "id,field_data") -> list[dict[str, str]]:
    return [{"method": "GET", "relative_url": f"{lead_id}?fields={fields}"} for lead_id in lead_ids]


def test_each_item_answers_with_a_code_and_a_body_that_is_a_string(meta: MetaWorld, graph: Graph, now: Instant) -> None:
    ids = fill(meta, now, 2)
    status, items = graph("/v26.0/", method="POST", batch=reads([ids[0], "17", ids[1]]))
    assert status == 200
    assert [item["code"] for item in items] == [200, 400, 200]
    bodies = [json.loads(item["body"]) for item in items]
    assert bodies[0] == {"id": ids[0], "field_data": [{"name": "full_name", "values": ["Żak"]}]}
    assert bodies[1]["error"]["error_subcode"] == 33
    assert {"name", "value"} == set(items[0]["headers"][0])


def test_headers_of_items_can_be_left_out(meta: MetaWorld, graph: Graph, now: Instant) -> None:
    _, items = graph("/", method="POST", batch=reads(fill(meta, now, 1)), include_headers="false")
    assert set(items[0]) == {"code", "body"}


def test_fifty_items_are_taken_and_fifty_one_are_not(meta: MetaWorld, graph: Graph, now: Instant) -> None:
    ids = fill(meta, now, 51)
    assert len(graph("/", method="POST", batch=reads(ids[:50]))[1]) == 50
    assert graph("/", method="POST", batch=reads(ids))[0] == 400


def test_items_that_timed_out_are_null(meta: MetaWorld, graph: Graph, now: Instant) -> None:
    ids = fill(meta, now, 50)
    meta.faults = Faults(batch_null_share=0.3)
    status, items = graph("/", method="POST", batch=reads(ids))
    assert status == 200
    assert 5 < items.count(None) < 25


def test_items_have_tokens_versions_and_bodies_of_their_own(meta: MetaWorld, graph: Graph, now: Instant) -> None:
    (lead_id,) = fill(meta, now, 1)
    other = list(meta.pages.values())[1]
    form_id = other.forms[0].id
    batch = [
        {"method": "GET", "relative_url": f"/v25.0/{lead_id}/"},
        {"method": "POST", "relative_url": f"{form_id}/test_leads", "body": f"access_token={other.access_token}"},
        {"method": "GET", "relative_url": "a/b/c"},
    ]
    _, items = graph("/", method="POST", batch=batch)
    assert [item["code"] for item in items] == [200, 200, 400]
    assert json.loads(items[1]["body"])["id"] in meta.leads


def test_a_throttled_page_fails_its_items_only_and_a_dead_outer_token_fails_all(
    meta: MetaWorld, graph: Graph, now: Instant
) -> None:
    first: Page
    first, other = meta.pages.values()
    ids = [*fill(meta, now, 1), meta.submit(other.id, other.forms[0].id, now, {}).id]
    meta.faults = Faults(throttled_pages={first.id: now + HOUR})
    _, items = graph("/", method="POST", token=meta.app.user_token, batch=reads(ids))
    assert [item["code"] for item in items] == [400, 200]
    assert json.loads(items[0]["body"])["error"]["code"] == 80005
    meta.faults = Faults(dead_tokens={first.access_token: 463})
    status, body = graph("/", method="POST", batch=reads(ids))
    assert (status, body["error"]["code"]) == (400, 190)


def test_each_item_counts_against_the_limits(meta: MetaWorld, graph: Graph, now: Instant) -> None:
    ids = fill(meta, now, 5)
    meta.faults = Faults(page_calls_per_day=3)
    _, items = graph("/", method="POST", batch=reads(ids))
    assert [item["code"] for item in items] == [200, 200, 200, 400, 400]
