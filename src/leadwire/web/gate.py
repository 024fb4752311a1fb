"""The gate: who asks, what they may do, and whether a browser was tricked into asking. Every route is closed unless it says
what it needs."""

import ipaddress
from typing import Any, Final, Literal
from urllib.parse import quote, urlsplit

import msgspec
from litestar.connection import ASGIConnection, Request
from litestar.di import NamedDependency
from litestar.handlers.base import BaseRouteHandler

from leadwire.engine.accounts import is_local_key
from leadwire.ports.accounts import Role, User
from leadwire.web.surroundings import SiteServices

Need = Literal["open", "read", "desk", "write", "trigger", "admin", "metrics"]
Connection = ASGIConnection[Any, Any, Any, Any]

_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_SESSION_MAY: Final[dict[Role, frozenset[str]]] = {
    "rep": frozenset({"read", "desk"}),
    "admin": frozenset({"read", "desk", "write", "trigger", "admin", "metrics"}),
}


class Turned(Exception):
    """The request ends here with the problem of this slug (see web/problem.py)."""

    def __init__(self, slug: str, detail: str | None = None, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail or slug)
        self.slug = slug
        self.detail = detail
        self.headers = headers or {}


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks. `may` are the needs that it meets; `user` stands for a signed-in person only."""

    kind: Literal["session", "token", "local"]
    name: str
    may: frozenset[str]
    user: User | None = None
    session_secret: str | None = None

    @property
    def is_admin(self) -> bool:
        return "admin" in self.may


Asker = NamedDependency[Caller]


def open_to(need: Need, *, page: bool = False) -> dict[str, object]:
    """The `opt` of a route: what a caller needs, and whether it is a page (strangers are sent to /login)."""
    return {"need": need, "page": page}


async def require(connection: Connection, handler: BaseRouteHandler) -> None:
    """The guard of every route. Puts the Caller (or None) into scope["auth"]; raises Turned."""
    site: SiteServices = connection.app.state.site
    need: Need = handler.opt.get("need", "admin")
    caller = await _caller(connection, site)
    connection.scope["auth"] = caller
    if caller is None and not _is_open(need, site):
        raise Turned("unauthorized", "Send `Authorization: Bearer <token>`.", {"WWW-Authenticate": "Bearer"})
    if caller is not None and need != "open" and need not in caller.may:
        raise Turned("forbidden", f"This needs the scope {need}.")
    is_browser = caller is None or caller.kind == "session"
    if is_browser and connection.scope.get("method") not in _SAFE_METHODS and not _is_same_origin(connection, site):
        raise Turned("forbidden", "This request came from another site.")


def _is_open(need: Need, site: SiteServices) -> bool:
    return need == "open" or (need == "metrics" and site.settings.listens_on_loopback)


async def _caller(connection: Connection, site: SiteServices) -> Caller | None:
    authorization = connection.headers.get("authorization")
    if authorization is not None:
        return await _bearer(authorization, site)
    secret = connection.cookies.get(cookie_name(site))
    if not secret:
        return None
    user = await site.accounts.user_of(secret)
    if user is None:
        return None
    return Caller(kind="session", name=user.name, may=_SESSION_MAY[user.role], user=user, session_secret=secret)


async def _bearer(authorization: str, site: SiteServices) -> Caller:
    scheme, _, secret = authorization.partition(" ")
    secret = secret.strip()
    if scheme.lower() == "bearer" and secret:
        if is_local_key(secret, site.local_key_digest):
            return Caller(kind="local", name="command line", may=_SESSION_MAY["admin"])
        token = await site.tokens.find(secret)
        if token is not None:
            may = set[str](token.scopes)
            if "write" in may:
                may.add("desk")
            if "read" in may or "admin" in may:
                may.add("metrics")
            return Caller(kind="token", name=token.name or f"token {token.id}", may=frozenset(may))
    raise Turned(
        "unauthorized",
        "This token is unknown, revoked or expired.",
        {"WWW-Authenticate": 'Bearer error="invalid_token"'},
    )


def _is_same_origin(connection: Connection, site: SiteServices) -> bool:
    """Whether a browser's request comes from our own pages: Sec-Fetch-Site, else Origin = Host (Fetch Metadata, W3C)."""
    fetch_site = connection.headers.get("sec-fetch-site")
    if fetch_site is not None:
        return fetch_site in ("same-origin", "none")
    origin = connection.headers.get("origin")
    if not origin:
        return False
    own = {connection.headers.get("host", "").lower()}
    if site.settings.public_url is not None:
        own.add(urlsplit(site.settings.public_url).netloc.lower())
    return urlsplit(origin).netloc.lower() in own - {""}


def cookie_name(site: SiteServices) -> str:
    """`__Host-` binds the cookie to this host and to https, where we are reached by https."""
    return "__Host-leadwire_session" if site.settings.is_https else "leadwire_session"


def caller_of(request: Request[Any, Any, Any]) -> Caller | None:
    """The caller that `require` found; None for a stranger on an open route."""
    caller = request.scope.get("auth")
    return caller if isinstance(caller, Caller) else None


def provide_caller(request: Request[Any, Any, Any]) -> Caller:
    """The caller of a route that is not open."""
    caller = caller_of(request)
    if caller is None:
        raise Turned("unauthorized", None, {"WWW-Authenticate": "Bearer"})
    return caller


def address_of(request: Request[Any, Any, Any]) -> str:
    """The peer's address for throttling: an IPv6 address counts by its /64, which one household has whole."""
    host = request.client.host if request.client is not None else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host or "local"
    if address.version == 6:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


def next_path(wanted: str | None) -> str:
    """Where to go after signing in: a path of our own, else the inbox."""
    is_ours = wanted is not None and wanted.startswith("/") and not wanted.startswith(("//", "/\\"))
    return wanted if wanted and is_ours and wanted.isprintable() and "\\" not in wanted else "/inbox"


def login_path(path: str, query: str) -> str:
    """The sign-in page that leads back to this one."""
    return f"/login?next={quote(path + (f'?{query}' if query else ''), safe='/')}"
