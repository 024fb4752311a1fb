"""/api/v1/users and /api/v1/tokens."""

from unit.web.house import House


async def test_a_token_is_shown_once_and_works_at_once(house: House) -> None:
    admin = await house.token("admin")
    made = (await house.ask("POST", "/api/v1/tokens", admin, {"name": "export"})).json
    assert set(made) == {"token", "id", "scopes"}
    assert made["scopes"] == ["read", "write", "trigger"]
    new = {"authorization": f"Bearer {made['token']}"}
    assert (await house.ask("GET", "/api/v1/leads", new)).status == 200
    listed = (await house.ask("GET", "/api/v1/tokens", admin)).json
    assert made["token"] not in str(listed)
    assert next(item for item in listed["items"] if item["id"] == made["id"])["last_used_at"] is not None


async def test_a_revoked_token_is_refused(house: House) -> None:
    admin = await house.token("admin")
    made = (await house.ask("POST", "/api/v1/tokens", admin, {"scopes": ["read"]})).json
    assert (await house.ask("DELETE", f"/api/v1/tokens/{made['id']}", admin)).status == 204
    assert (await house.ask("DELETE", f"/api/v1/tokens/{made['id']}", admin)).status == 404
    new = {"authorization": f"Bearer {made['token']}"}
    assert (await house.ask("GET", "/api/v1/leads", new)).status == 401


async def test_an_unknown_scope_is_refused(house: House) -> None:
    for scopes in (["root"], []):
        assert (await house.ask("POST", "/api/v1/tokens", await house.token("admin"), {"scopes": scopes})).status == 422


async def test_a_user_is_added_once_and_gets_a_link_that_no_url_log_can_hold(house: House) -> None:
    admin = await house.token("admin")
    added = await house.ask("POST", "/api/v1/users", admin, {"name": "ravi"})
    assert (added.status, added.json["role"], added.json["has_password"]) == (201, "rep", False)
    assert (await house.ask("POST", "/api/v1/users", admin, {"name": "ravi"})).status == 409
    link = (await house.ask("POST", "/api/v1/users/ravi/link", admin)).json["link"]
    address, _, code = link.partition("#")
    assert address == "https://leads.example.com/login/once"
    page = await house.ask("POST", "/login/once", {"sec-fetch-site": "same-origin"}, f"code={code}".encode())
    assert page.status == 303
    assert (await house.ask("GET", "/inbox", {"cookie": page.cookie})).status == 200


async def test_a_disabled_user_is_out_at_once(house: House) -> None:
    admin = await house.token("admin")
    browser = await house.browser("ravi")
    assert (await house.ask("POST", "/api/v1/users/ravi/disable", admin)).json["disabled_at"] is not None
    assert (await house.ask("GET", "/api/v1/leads", browser)).status == 401
    assert (await house.ask("POST", "/api/v1/users/ravi/link", admin)).status == 404
    assert (await house.ask("POST", "/api/v1/users/nobody/disable", admin)).status == 404
    users = (await house.ask("GET", "/api/v1/users", admin)).json["items"]
    assert [user["name"] for user in users] == ["ravi"]


async def test_a_name_that_could_be_misread_is_refused(house: House) -> None:
    for name in ("", "A", "<b>", "a b", "x" * 65):
        assert (await house.ask("POST", "/api/v1/users", await house.token("admin"), {"name": name})).status == 422


async def test_a_user_may_be_added_with_a_password_that_is_strong_enough(house: House) -> None:
    admin = await house.token("admin")
    weak = await house.ask("POST", "/api/v1/users", admin, {"name": "ravi", "password": "short"})
    assert weak.status == 422
    assert "12 characters" in weak.json["detail"]
    added = await house.ask("POST", "/api/v1/users", admin, {"name": "ravi", "password": "correct horse battery"})
    assert (added.status, added.json["has_password"]) == (201, True)
    assert "correct horse" not in str(added.json)
