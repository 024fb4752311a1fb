"""/login, /login/once, /logout and /account: coming in and going out."""

from typing import Any

from litestar import get, post
from litestar.connection import Request
from litestar.datastructures import Cookie
from litestar.response import Response

from leadwire.engine.accounts import SESSION_AGE_MAX, PasswordWeak, Refused, SignedIn
from leadwire.model.times import SECOND
from leadwire.web.gate import Asker, Caller, Turned, address_of, caller_of, cookie_name, next_path, open_to
from leadwire.web.pages.forms import read_form
from leadwire.web.surroundings import Site, SiteServices

AnyRequest = Request[Any, Any, Any]
Page = Response[str]


@get("/", opt=open_to("open"), include_in_schema=False)
async def front_door(request: AnyRequest) -> Response[bytes]:
    """To the inbox."""
    return _to("/inbox" if caller_of(request) is not None else "/login")


@get("/login", opt=open_to("open"), include_in_schema=False)
async def login_page(request: AnyRequest) -> Response[Any]:
    """The form; somebody who is signed in goes on."""
    wanted = next_path(request.query_params.get("next"))
    if caller_of(request) is not None:
        return _to(wanted)
    return _draw(request, "login.html", wanted=wanted, name="", failure=None)


@post("/login", opt=open_to("open"), status_code=200, include_in_schema=False)
async def login(request: AnyRequest, site: Site) -> Response[Any]:
    """Signs in by name and password."""
    form = await read_form(request)
    wanted, name = next_path(form.one("next")), form.one("name")
    outcome = await site.accounts.sign_in(name, form.one("password"), address_of(request))
    if isinstance(outcome, SignedIn):
        return _signed_in(site, outcome, wanted)
    words = "The name or the password is wrong."
    return _refused(request, outcome, "login.html", words, {"wanted": wanted, "name": name})


@get("/login/once", opt=open_to("open"), include_in_schema=False)
async def once_page(request: AnyRequest) -> Page:
    """Asks to confirm, so that a mail scanner that opens links uses up nothing. The code stands behind the #: the page's script
    puts it into the form, and no server sees it in a URL. (`?code=` works too, for a browser without scripts.)"""
    return _draw(request, "once.html", failure=None, code=request.query_params.get("code", ""))


@post("/login/once", opt=open_to("open"), status_code=200, include_in_schema=False)
async def once(request: AnyRequest, site: Site) -> Response[Any]:
    """Signs in by a one-time code."""
    form = await read_form(request)
    outcome = await site.accounts.redeem(form.one("code"), address_of(request))
    if isinstance(outcome, SignedIn):
        return _signed_in(site, outcome, "/inbox" if outcome.user.password_hash else "/account")
    words = "This link was used already or is too old. Ask for a new one."
    return _refused(request, outcome, "once.html", words, {"code": ""})


@post("/logout", opt=open_to("open"), status_code=200, include_in_schema=False)
async def logout(request: AnyRequest, site: Site) -> Response[bytes]:
    """Ends the session."""
    caller = caller_of(request)
    if caller is not None and caller.session_secret is not None:
        await site.accounts.sign_out(caller.session_secret)
    return _to("/login", cookie=_cookie(site, "", 0))


@get("/account", opt=open_to("desk", page=True), include_in_schema=False)
async def account_page(request: AnyRequest, caller: Asker) -> Page:
    """Who I am, and my password."""
    if caller.user is None:
        raise Turned("forbidden", "A token has no account.")
    return _draw(request, "account.html", caller=caller, failure=None, is_done=False)


@post("/account/password", opt=open_to("desk", page=True), status_code=200, include_in_schema=False)
async def change_password(request: AnyRequest, site: Site, caller: Asker) -> Response[Any]:
    """Sets a password and signs out everywhere else. Who has one already must give it."""
    form = await read_form(request)
    user = caller.user
    if user is None:
        return _to("/login")
    values = {"caller": caller, "is_done": False}
    if user.password_hash is not None:
        proof = await site.accounts.prove(user, form.one("current"), address_of(request))
        if proof is not True:
            outcome = proof if isinstance(proof, Refused) else Refused()
            return _refused(request, outcome, "account.html", "The present password is wrong.", values)
    if form.one("password") != form.one("again"):
        return _refused(request, Refused(), "account.html", "The two new passwords differ.", values)
    try:
        signed_in = await site.accounts.set_password(user, form.one("password"))
    except PasswordWeak as weak:
        return _refused(request, Refused(), "account.html", str(weak), values)
    changed = Caller(kind="session", name=user.name, may=caller.may, user=signed_in.user)
    page = _draw(request, "account.html", caller=changed, failure=None, is_done=True)
    page.cookies.append(_cookie(site, signed_in.secret, SESSION_AGE_MAX // SECOND))
    return page


def _signed_in(site: SiteServices, outcome: SignedIn, wanted: str) -> Response[bytes]:
    return _to(wanted, cookie=_cookie(site, outcome.secret, SESSION_AGE_MAX // SECOND))


def _refused(request: AnyRequest, outcome: Refused, template: str, words: str, values: dict[str, Any]) -> Page:
    if outcome.after_s is None:
        return _draw(request, template, status=422 if template == "account.html" else 401, failure=words, **values)
    words = f"Too many tries. Please wait {outcome.after_s} s."
    page = _draw(request, template, status=429, failure=words, **values)
    page.headers["retry-after"] = str(outcome.after_s)
    return page


def _draw(request: AnyRequest, template: str, *, status: int = 200, **values: Any) -> Page:
    values.setdefault("caller", None)
    return Response(request.app.state.drawing.draw(template, **values), status_code=status, media_type="text/html")


def _to(path: str, cookie: Cookie | None = None) -> Response[bytes]:
    return Response(b"", status_code=303, headers={"location": path}, cookies=[] if cookie is None else [cookie])


def _cookie(site: SiteServices, value: str, age_s: int) -> Cookie:
    return Cookie(
        key=cookie_name(site),
        value=value,
        path="/",
        max_age=age_s,
        secure=site.settings.is_https,
        httponly=True,
        samesite="lax",
    )


HANDLERS = (front_door, login_page, login, once_page, once, logout, account_page, change_password)
