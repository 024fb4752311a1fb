from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from leadwire.model.times import SECOND, Instant
from leadwire.simulators.exchange import WorldRequest
from leadwire.simulators.meta.book import Ad, Origin
from leadwire.simulators.meta.faults import Faults
from leadwire.simulators.meta.world import MetaWorld

Graph = Callable[..., tuple[int, Any]]


def form_of(meta: MetaWorld) -> tuple[str, str]:
    page = next(iter(meta.pages.values()))
    return page.id, page.forms[0].id


def fill(meta: MetaWorld, now: Instant, count: int) -> list[str]:
    return [meta.submit(*form_of(meta), now + number * SECOND, {}).id for number in range(count)]


def walk(graph: Graph, meta: MetaWorld, at: Instant, **params: Any) -> list[list[str]]:
    pages, after = [], None
    while True:
        _, body = graph(
            f"/v26.0/{form_of(meta)[1]}/leads", at, fields="id", **params, **({"after": after} if after else {})
        )
        pages.append([lead["id"] for lead in body["data"]])
        if "next" not in body.get("paging", {}):
            return pages
        after = body["paging"]["cursors"]["after"]


def test_leads_come_newest_first_in_pages_of_25(meta: MetaWorld, graph: Graph, now: Instant) -> None:
    ids = fill(meta, now, 60)
    pages = walk(graph, meta, now + 60 * SECOND)
    assert [len(page) for page in pages] == [25, 25, 10]
    assert [lead_id for page in pages for lead_id in page] == ids[::-1]


def test_a_full_last_page_has_no_next(meta: MetaWorld, graph: Graph, now: Instant) -> None:
    fill(meta, now, 20)
    assert [len(page) for page in walk(graph, meta, now + 60 * SECOND, limit="10")] == [10, 10]


def test_a_form_without_leads_has_no_paging(meta: MetaWorld, graph: Graph) -> None:
    assert graph(f"/{form_of(meta)[1]}/leads") == (200, {"data": []})


def test_leads_that_arrive_between_pages_move_nothing(meta: MetaWorld, graph: Graph, now: Instant) -> None:
    ids = fill(meta, now, 4)
    form_id = form_of(meta)[1]
    later = now + 60 * SECOND
    _, first = graph(f"/{form_id}/leads", later, limit="2")
    meta.submit(*form_of(meta), later, {})
    _, second = graph(f"/{form_id}/leads", later, limit="2", after=first["paging"]["cursors"]["after"])
    assert [lead["id"] for lead in first["data"] + second["data"]] == ids[::-1]


@pytest.mark.parametrize(
    ("operator", "expected"),
    [("GREATER_THAN", [3, 4]), ("GREATER_THAN_OR_EQUAL", [2, 3, 4]), ("LESS_THAN", [0, 1])],
)
def test_filters_compare_whole_seconds(
    meta: MetaWorld, graph: Graph, now: Instant, operator: str, expected: list[int]
) -> None:
    ids = [meta.submit(*form_of(meta), now + number * SECOND + 700_000, {}).id for number in range(5)]
    condition = {"field": "time_created", "operator": operator, "value": now // SECOND + 2}
    (page,) = walk(graph, meta, now + 60 * SECOND, filtering=[condition])
    assert page == [ids[number] for number in reversed(expected)]


@pytest.mark.parametrize(
    "filtering",
    ["no json", '{"field":1}', '[{"field":"created_time","operator":"GREATER_THAN","value":1}]', "[1]",
     '[{"field":"time_created","operator":"EQUAL","value":1}]', '[{"field":"time_created","operator":"LESS_THAN","value":Infinity}]'],
)  # fmt: skip
def test_a_filter_that_meta_does_not_know_is_refused(meta: MetaWorld, graph: Graph, filtering: str) -> None:
    status, body = graph(f"/{form_of(meta)[1]}/leads", filtering=filtering)
    assert (status, body["error"]["code"]) == (400, 100)


def test_next_is_a_whole_url_that_gives_the_next_page(meta: MetaWorld, graph: Graph, now: Instant) -> None:
    ids = fill(meta, now, 3)
    _, body = graph(f"/v26.0/{form_of(meta)[1]}/leads", now + 60 * SECOND, limit="2", fields="id")
    url = urlsplit(body["paging"]["next"])
    assert (url.scheme, url.netloc, url.path) == ("https", "graph.facebook.com", f"/v26.0/{form_of(meta)[1]}/leads")
    params = dict(parse_qsl(url.query))
    status, second = graph(url.path, now + 60 * SECOND, **params, token=params.pop("access_token"))
    assert (status, [lead["id"] for lead in second["data"]]) == (200, ids[:1])


def test_next_names_the_host_that_was_asked(meta: MetaWorld, now: Instant) -> None:
    fill(meta, now, 3)
    page = next(iter(meta.pages.values()))
    request = WorldRequest(
        method="GET",
        path=f"/{page.forms[0].id}/leads",
        query=f"limit=1&access_token={page.access_token}",
        headers={"host": "127.0.0.1:8123"},
    )
    assert b'"next":"http://127.0.0.1:8123/' in meta.handle(request, now + 60 * SECOND).body


def test_empty_pages_have_a_next_and_lose_nothing(meta: MetaWorld, graph: Graph, now: Instant) -> None:
    ids = fill(meta, now, 6)
    meta.faults = Faults(empty_page_share=1.0)
    pages = walk(graph, meta, now + 60 * SECOND, limit="2")
    assert [len(page) for page in pages] == [0, 2, 0, 2, 0, 2]
    assert [lead_id for page in pages for lead_id in page] == ids[::-1]


def test_too_large_a_page_is_a_500(meta: MetaWorld, graph: Graph, now: Instant) -> None:
    fill(meta, now, 3)
    meta.faults = Faults(limit_max=50)
    status, body = graph(f"/{form_of(meta)[1]}/leads", limit="51")
    assert status == 500
    assert body["error"]["message"].startswith("Please reduce the amount of data you're asking for")
    assert graph(f"/{form_of(meta)[1]}/leads", limit="50")[0] == 200


def test_a_lead_that_is_not_yet_readable_is_not_listed_either(meta: MetaWorld, graph: Graph, now: Instant) -> None:
    ids = fill(meta, now, 1)
    meta.faults = Faults(readable_after_us=5 * SECOND)
    assert walk(graph, meta, now + 4 * SECOND) == [[]]
    assert walk(graph, meta, now + 5 * SECOND) == [ids]


def test_an_ad_lists_its_own_leads_and_misses_organic_ones(meta: MetaWorld, graph: Graph, now: Instant) -> None:
    ad = Ad(ad_id="77", ad_name="a", adset_id="78", adset_name="b", campaign_id="79", campaign_name="c")
    fill(meta, now, 2)
    paid = meta.submit(*form_of(meta), now, {}, Origin(ad=ad))
    _, body = graph("/77/leads", fields="id")
    assert [lead["id"] for lead in body["data"]] == [paid.id]
