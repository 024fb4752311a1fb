"""The gate: every route is closed to strangers, every deed to those who may not do it, and to other sites."""

import re
from collections.abc import Iterator

import pytest
from litestar.routes import HTTPRoute

from leadwire.model.errors import StorageFailed, StorageFull, StoreBusy, StoreError
from leadwire.ports.accounts import Scope
from unit.web.house import LOCAL_KEY, SETTINGS, House, enquiry

OPEN = {"/", "/livez", "/readyz", "/openapi.json", "/docs", "/login", "/login/once", "/logout", "/static/{name:path}"}


def _routes(house: House) -> Iterator[tuple[str, str]]:
    """Every (method, path template) of the site."""
    for route in house.app.routes:
        assert isinstance(route, HTTPRoute)
        for method in sorted(route.methods - {"OPTIONS"}):
            yield method, route.path


def _filled(path: str) -> str:
    return re.sub(r"\{[^}]+\}", "x", path)


async def test_every_route_but_the_open_ones_is_closed_to_strangers(house: House) -> None:
    seen = 0
    for method, path in _routes(house):
        if path in OPEN:
            continue
        answer = await house.ask(method, _filled(path))
        is_page = answer.status == 303 and answer.header("location").startswith("/login")
        assert is_page or answer.status == 401, (method, path, answer.status)
        assert is_page != path.startswith(("/api/", "/metrics", "/openapi")), (method, path)
        seen += 1
    assert seen > 40


async def test_an_api_call_without_credentials_is_told_how_to_send_them(house: House) -> None:
    answer = await house.ask("GET", "/api/v1/leads")
    assert answer.status == 401
    assert answer.header("www-authenticate") == "Bearer"
    assert answer.header("content-type") == "application/problem+json"
    assert answer.json["type"] == "urn:leadwire:problem:unauthorized"


@pytest.mark.parametrize("authorization", ["Bearer lw_0_0", "Bearer", "Bearer ", "Basic YTpi", "lw_0_0", "bearer x y"])
async def test_a_wrong_token_is_refused_even_on_open_routes(house: House, authorization: str) -> None:
    answer = await house.ask("GET", "/api/v1/leads", {"authorization": authorization})
    assert answer.status == 401
    assert 'error="invalid_token"' in answer.header("www-authenticate")


async def test_a_wrong_token_beside_a_good_cookie_is_refused(house: House) -> None:
    browser = await house.browser("anita")
    answer = await house.ask("GET", "/api/v1/leads", {**browser, "authorization": "Bearer lw_0_0"})
    assert answer.status == 401


@pytest.mark.parametrize(
    ("method", "path", "body", "scope"),
    [
        ("GET", "/api/v1/leads", None, "read"),
        ("GET", "/api/v1/status", None, "read"),
        ("GET", "/api/v1/deliveries", None, "read"),
        ("GET", "/metrics", None, "read"),
        ("POST", "/api/v1/deliveries/replay", {"filter": {"state": "dead"}}, "write"),
        ("POST", "/api/v1/deliveries/drop", {"filter": {"state": "dead"}, "reason": "old"}, "write"),
        ("POST", "/api/v1/lanes/crm/pause", {}, "write"),
        ("POST", "/api/v1/events/replay", {}, "write"),
        ("POST", "/api/v1/fetches/replay", {"source": "meta"}, "write"),
        ("GET", "/api/v1/tokens", None, "admin"),
        ("POST", "/api/v1/tokens", {}, "admin"),
        ("GET", "/api/v1/users", None, "admin"),
        ("POST", "/api/v1/users", {"name": "ravi"}, "admin"),
    ],
)
async def test_a_token_may_do_what_its_scope_says_and_nothing_else(
    house: House, method: str, path: str, body: object, scope: Scope
) -> None:
    sent = b"" if body is None else body
    assert (await house.ask(method, path, await house.token(scope), sent)).status < 300
    every: list[Scope] = ["read", "write", "trigger", "admin"]
    for other in every:
        if other == scope or (path == "/metrics" and other == "admin"):
            continue
        answer = await house.ask(method, path, await house.token(other), sent)
        assert (other, answer.status) == (other, 403)
        assert answer.json["type"] == "urn:leadwire:problem:forbidden"


async def test_the_key_of_this_machine_may_do_everything(house: House) -> None:
    headers = {"authorization": f"Bearer {LOCAL_KEY}"}
    for path in ("/api/v1/leads", "/api/v1/tokens", "/metrics"):
        assert (await house.ask("GET", path, headers)).status == 200


async def test_a_rep_reads_and_works_on_leads_but_changes_no_queue_and_no_account(house: House) -> None:
    (lead_id,) = await house.arrive(enquiry("1"))
    browser = await house.browser("anita")
    for path in ("/inbox", f"/leads/{lead_id}", "/ops", "/api/v1/leads", "/api/v1/status"):
        assert (await house.ask("GET", path, browser)).status == 200
    assert (await house.ask("POST", f"/leads/{lead_id}/claim", browser)).status == 303
    for path in ("/ops/lanes/crm/pause", "/ops/dead/replay", "/ops/events/replay", f"/leads/{lead_id}/erase"):
        assert (await house.ask("POST", path, browser)).status == 403
    for path in ("/api/v1/deliveries/replay", "/api/v1/tokens", "/api/v1/users"):
        assert (await house.ask("POST", path, browser)).status == 403
    assert (await house.ask("DELETE", f"/api/v1/leads/{lead_id}", browser)).status == 403


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"sec-fetch-site": "same-origin"}, 303),
        ({"sec-fetch-site": "none"}, 303),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "cross-site", "origin": "https://leads.example.com"}, 403),
        ({"origin": "https://leads.example.com"}, 303),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "https://leads.example.com.evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({}, 403),
    ],
)
async def test_a_deed_counts_only_from_our_own_pages(house: House, headers: dict[str, str], status: int) -> None:
    (lead_id,) = await house.arrive(enquiry("1"))
    cookie = (await house.browser("anita"))["cookie"]
    answer = await house.ask("POST", f"/leads/{lead_id}/claim", {"cookie": cookie, **headers})
    assert answer.status == status
    (entry,) = await house.ledger.desk.entries([lead_id])
    assert entry.state == ("claimed" if status == 303 else "new")


@pytest.mark.parametrize("path", ["/login", "/login/once", "/logout"])
async def test_nobody_is_signed_in_or_out_by_another_site(house: House, path: str) -> None:
    answer = await house.ask("POST", path, {"sec-fetch-site": "cross-site"}, b"name=a&password=b")
    assert answer.status == 403


async def test_a_program_needs_no_browser_headers(house: House) -> None:
    (lead_id,) = await house.arrive(enquiry("1"))
    answer = await house.ask("POST", f"/api/v1/leads/{lead_id}/claim", await house.token("write"))
    assert answer.status == 200


async def test_a_stranger_is_led_back_to_the_page_after_signing_in(house: House) -> None:
    answer = await house.ask("GET", "/inbox?state=new")
    assert answer.status == 303
    assert answer.header("location") == "/login?next=/inbox%3Fstate%3Dnew"


async def test_a_part_of_a_page_sends_the_whole_page_to_sign_in(house: House) -> None:
    answer = await house.ask("GET", "/ops/overview", {"hx-request": "true"})
    assert answer.status == 401
    assert answer.header("hx-redirect") == "/login"


async def test_metrics_are_open_on_loopback_only(house: House, open_house: House) -> None:
    assert (await open_house.ask("GET", "/metrics")).status == 200
    assert (await house.ask("GET", "/metrics")).status == 401


@pytest.mark.parametrize(
    ("method", "path", "status", "slug"),
    [
        ("GET", "/nowhere", 404, "not-found"),
        ("GET", "/api/v1/nowhere", 404, "not-found"),
        ("PUT", "/api/v1/leads", 405, "method-not-allowed"),
        ("GET", "/api/v1/leads?limit=501", 422, "invalid"),
        ("GET", "/api/v1/leads?limit=many", 422, "invalid"),
        ("GET", "/api/v1/leads?since=yesterday", 422, "invalid"),
        ("GET", "/api/v1/leads?after=%21%21", 422, "invalid"),
        ("GET", "/api/v1/leads?after=YQ%3D%3D", 422, "invalid"),
        ("GET", "/api/v1/events?after=YWI", 422, "invalid"),
        ("GET", "/api/v1/fetches?after=YWI", 422, "invalid"),
        ("GET", "/api/v1/deliveries?state=lost", 422, "invalid"),
        ("GET", "/api/v1/leads/none", 404, "not-found"),
        ("GET", "/api/v1/deliveries/none", 404, "not-found"),
        ("POST", "/api/v1/leads/none/claim", 404, "not-found"),
        ("POST", "/api/v1/lanes/none/pause", 404, "not-found"),
    ],
)
async def test_every_error_is_a_problem_document(house: House, method: str, path: str, status: int, slug: str) -> None:
    answer = await house.ask(method, path, await house.token("read", "write"))
    assert (answer.status, answer.header("content-type")) == (status, "application/problem+json")
    assert answer.json["type"] == f"urn:leadwire:problem:{slug}"
    assert answer.json["status"] == status
    if status == 405:
        assert answer.header("allow")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"\xff\xfe", 400),
        (b'{"ids":["\\ud800"]}', 400),
        (b"[" * 100_000, 400),
        (b"[]", 422),
        (b'{"ids":[]}', 422),
        (b'{"ids":[1]}', 422),
        (b'{"ids":["a\\u0000b"]}', 422),
        (b'{"ids":["a"],"filter":{"state":"dead"}}', 422),
        (b'{"filter":{}}', 422),
        (b'{"filter":{"state":"dead","color":"red"}}', 422),
        (b"", 422),
        (b"x" * 1_100_000, 413),
    ],
)
async def test_a_hostile_body_is_the_clients_fault(house: House, body: bytes, status: int) -> None:
    answer = await house.ask("POST", "/api/v1/deliveries/replay", await house.token("write"), body)
    assert (answer.status, answer.header("content-type")) == (status, "application/problem+json")


async def test_an_error_of_ours_says_nothing_about_the_inside() -> None:
    house = House(SETTINGS, page_error=TypeError("a secret"))
    answer = await house.ask("GET", "/api/v1/leads", await house.token("read"))
    assert answer.status == 500
    assert answer.json == {
        "type": "urn:leadwire:problem:internal",
        "title": "Something went wrong on our side",
        "status": 500,
    }
    assert [type(crash) for crash in house.crashes] == [TypeError]


@pytest.mark.parametrize(("error", "wait_s"), [(StoreBusy(), "1"), (StorageFull(), "5"), (StorageFailed(), "5")])
async def test_a_ledger_that_cannot_answer_is_503_with_a_time_to_come_back(error: StoreError, wait_s: str) -> None:
    house = House(SETTINGS, page_error=error)
    answer = await house.ask("GET", "/api/v1/leads", await house.token("read"))
    assert (answer.status, answer.header("retry-after")) == (503, wait_s)


async def test_a_person_sees_an_error_as_a_page(house: House) -> None:
    answer = await house.ask("GET", "/nowhere", {"accept": "text/html,*/*"})
    assert (answer.status, answer.header("content-type")) == (404, "text/html; charset=utf-8")
    assert "There is nothing here" in answer.text


async def test_every_answer_carries_the_security_headers(house: House) -> None:
    for path in ("/livez", "/login", "/nowhere", "/api/v1/leads", "/inbox"):
        answer = await house.ask("GET", path)
        policy = answer.header("content-security-policy")
        assert (
            "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; object-src 'none'" in policy
        )
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.header("x-content-type-options") == "nosniff"
        assert answer.header("cache-control") == "no-store"
        assert answer.header("strict-transport-security")
        assert answer.header("access-control-allow-origin") == ""


async def test_only_the_docs_page_may_set_styles(house: House) -> None:
    assert "style-src 'self' 'unsafe-inline'" in (await house.ask("GET", "/docs")).header("content-security-policy")


async def test_plain_http_is_not_told_to_stay_on_https(open_house: House) -> None:
    assert (await open_house.ask("GET", "/livez")).header("strict-transport-security") == ""
