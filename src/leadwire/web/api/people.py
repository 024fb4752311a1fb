"""/api/v1/users and /api/v1/tokens: who may come in."""

from typing import Annotated

from litestar import Router, delete, get, post
from litestar.params import PathParameter, RequestBody

from leadwire.engine.accounts import CODE_LIFE, PasswordWeak
from leadwire.model.times import SECOND
from leadwire.web.api.shapes import (
    SignInLink,
    TokenAsk,
    TokenMade,
    TokenPage,
    UserAsk,
    UserItem,
    UserPage,
    token_item,
    user_item,
)
from leadwire.web.gate import Turned, open_to
from leadwire.web.surroundings import Site, SiteServices

Name = Annotated[str, PathParameter(max_length=64, description="The user's name.")]


@get("/tokens", opt=open_to("admin"), summary="API tokens, newest first")
async def list_tokens(site: Site) -> TokenPage:
    """All of them, without their secrets."""
    return TokenPage(items=[token_item(token) for token in await site.tokens.all()], next=None)


@post("/tokens", opt=open_to("admin"), summary="Make an API token")
async def make_token(site: Site, data: RequestBody[TokenAsk]) -> TokenMade:
    """The answer is the only place where the token ever stands."""
    made = await site.tokens.make(data.scopes, data.name, data.expires_in_s)
    return TokenMade(token=made.secret, id=made.token.id, scopes=list(made.token.scopes))


@delete("/tokens/{token_id:str}", opt=open_to("admin"), summary="Revoke an API token")
async def revoke_token(site: Site, token_id: Annotated[str, PathParameter(max_length=64)]) -> None:
    """From now on it is refused."""
    if not await site.tokens.revoke(token_id):
        raise Turned("not-found", "There is no such token, or it is revoked already.")


@get("/users", opt=open_to("admin"), summary="Users by name")
async def list_users(site: Site) -> UserPage:
    """All of them, disabled ones too."""
    return UserPage(items=[user_item(user) for user in await site.accounts.users()], next=None)


@post("/users", opt=open_to("admin"), summary="Add a user")
async def add_user(site: Site, data: RequestBody[UserAsk]) -> UserItem:
    """Without a password the user can't sign in yet: make them a sign-in link."""
    try:
        was_added = await site.accounts.add_user(data.name, data.role, data.password)
    except PasswordWeak as error:
        raise Turned("invalid", str(error)) from error
    if not was_added:
        raise Turned("conflict", "This name is taken.")
    user = await site.accounts.user(data.name)
    assert user is not None
    return user_item(user)


@post("/users/{name:str}/disable", opt=open_to("admin"), status_code=200, summary="Keep a user out")
async def disable_user(site: Site, name: Name) -> UserItem:
    """Ends all their sessions at once."""
    if not await site.accounts.disable_user(name):
        raise Turned("not-found", "There is no such user.")
    user = await site.accounts.user(name)
    assert user is not None
    return user_item(user)


@post("/users/{name:str}/link", opt=open_to("admin"), status_code=200, summary="Make a sign-in link")
async def make_link(site: Site, name: Name) -> SignInLink:
    """Whoever opens it can sign in as this user, once, within 15 minutes. The code stands behind the #, so no server and no log
    ever sees it in a URL."""
    code = await site.accounts.code_for(name)
    if code is None:
        raise Turned("not-found", "There is no such user.")
    return SignInLink(name=name, link=sign_in_link(site, code), expires_in_s=CODE_LIFE // SECOND)


def sign_in_link(site: SiteServices, code: str) -> str:
    """The link of a one-time code; without a configured public_url it is a path."""
    return f"{(site.settings.public_url or '').rstrip('/')}/login/once#{code}"


ROUTER = Router(
    "/api/v1",
    route_handlers=[list_tokens, make_token, revoke_token, list_users, add_user, disable_user, make_link],
    tags=["accounts"],
)
