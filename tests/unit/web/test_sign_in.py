"""Signing in and out through the pages."""

from urllib.parse import urlencode

import pytest

from unit.web.house import House

PASSWORD = "correct horse battery"
SAME = {"sec-fetch-site": "same-origin"}


async def _add(house: House, name: str = "anita") -> None:
    await house.accounts.add_user(name, "rep")
    user = await house.accounts.user(name)
    assert user is not None
    await house.accounts.set_password(user, PASSWORD)


def _form(**values: str) -> bytes:
    return urlencode(values).encode()


async def test_the_cookie_is_bound_to_host_and_https_and_hidden_from_scripts(house: House) -> None:
    await _add(house)
    answer = await house.ask("POST", "/login", SAME, _form(name="anita", password=PASSWORD, next="/ops"))
    assert (answer.status, answer.header("location")) == (303, "/ops")
    cookie = answer.header("set-cookie")
    assert cookie.startswith("__Host-leadwire_session=")
    for part in ("HttpOnly", "Secure", "SameSite=lax", "Path=/", "Max-Age=1209600"):
        assert part in cookie
    assert "Domain" not in cookie
    assert (await house.ask("GET", "/inbox", {"cookie": answer.cookie})).status == 200


async def test_on_plain_http_the_cookie_has_its_plain_name(open_house: House) -> None:
    await _add(open_house)
    answer = await open_house.ask("POST", "/login", SAME, _form(name="anita", password=PASSWORD))
    assert answer.header("set-cookie").startswith("leadwire_session=")
    assert "Secure" not in answer.header("set-cookie")


@pytest.mark.parametrize(("name", "password"), [("anita", "guessed it?"), ("nobody", PASSWORD)])
async def test_a_wrong_name_and_a_wrong_password_look_the_same(house: House, name: str, password: str) -> None:
    await _add(house)
    answer = await house.ask("POST", "/login", SAME, _form(name=name, password=password))
    assert answer.status == 401
    assert "The name or the password is wrong." in answer.text
    assert password not in answer.text
    assert answer.header("set-cookie") == ""


async def test_guessing_is_told_to_wait(house: House) -> None:
    for _ in range(5):
        await house.ask("POST", "/login", SAME, _form(name="anita", password="wrong"))
    answer = await house.ask("POST", "/login", SAME, _form(name="anita", password="wrong"))
    assert (answer.status, answer.header("retry-after")) == (429, "1")
    assert "Too many tries" in answer.text


@pytest.mark.parametrize(
    "wanted",
    ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "", "/a\\b", "/a\nb"],
)
async def test_signing_in_leads_to_our_own_pages_only(house: House, wanted: str) -> None:
    await _add(house)
    answer = await house.ask("POST", "/login", SAME, _form(name="anita", password=PASSWORD, next=wanted))
    assert answer.header("location") == "/inbox"


async def test_signing_out_ends_the_session_on_the_server(house: House) -> None:
    browser = await house.browser("anita")
    answer = await house.ask("POST", "/logout", browser)
    assert (answer.status, answer.header("location")) == (303, "/login")
    assert "Max-Age=0" in answer.header("set-cookie")
    assert (await house.ask("GET", "/inbox", browser)).status == 303


async def test_opening_the_link_uses_up_nothing_and_the_button_signs_in_once(house: House) -> None:
    await house.accounts.add_user("anita", "rep")
    code = await house.accounts.code_for("anita")
    assert code is not None
    for _ in range(2):
        assert (await house.ask("GET", f"/login/once?code={code}")).status == 200
    first = await house.ask("POST", "/login/once", SAME, _form(code=code))
    assert (first.status, first.header("location")) == (303, "/account")
    second = await house.ask("POST", "/login/once", SAME, _form(code=code))
    assert second.status == 401
    assert code not in second.text


async def test_the_first_password_needs_no_old_one_and_ends_other_sessions(house: House) -> None:
    browser = await house.browser("anita")
    answer = await house.ask("POST", "/account/password", browser, _form(password=PASSWORD, again=PASSWORD))
    assert answer.status == 200
    assert "The new password is set" in answer.text
    assert (await house.ask("GET", "/inbox", browser)).status == 303
    assert (await house.ask("GET", "/inbox", {"cookie": answer.cookie})).status == 200


@pytest.mark.parametrize(
    ("current", "password", "again", "words"),
    [
        ("wrong", "a new long password", "a new long password", "The present password is wrong."),
        (PASSWORD, "a new long password", "another long password", "The two new passwords differ."),
        (PASSWORD, "short", "short", "A password needs at least 12 characters"),
    ],
)
async def test_a_password_is_changed_with_the_old_one_only(
    house: House, current: str, password: str, again: str, words: str
) -> None:
    await _add(house)
    signed_in = await house.ask("POST", "/login", SAME, _form(name="anita", password=PASSWORD))
    headers = {"cookie": signed_in.cookie, **SAME}
    answer = await house.ask(
        "POST", "/account/password", headers, _form(current=current, password=password, again=again)
    )
    assert answer.status == 422 or current == "wrong"
    assert words in answer.text
    assert (await house.ask("POST", "/login", SAME, _form(name="anita", password=PASSWORD))).status == 303


async def test_a_token_opens_no_account_page(house: House) -> None:
    answer = await house.ask("GET", "/account", await house.token("read", "write", "admin"))
    assert answer.status == 403


@pytest.mark.parametrize("body", [b"\xff", b"name=%ff", b"a=1&" * 3000, b"name=a%00b&password=x"])
async def test_a_form_that_cannot_be_read_is_the_clients_fault(house: House, body: bytes) -> None:
    assert (await house.ask("POST", "/login", SAME, body)).status == 400
