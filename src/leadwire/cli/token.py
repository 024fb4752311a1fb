"""`leadwire token`: tokens for programs that call the API."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from leadwire.cli.caller import Caller, call, part
from leadwire.cli.means import JsonOption
from leadwire.cli.printing import print_json, print_table
from leadwire.sdk.settings import Duration


class Scope(StrEnum):
    """What a token may do."""

    READ = "read"
    WRITE = "write"
    TRIGGER = "trigger"
    ADMIN = "admin"


_DEFAULT = (Scope.READ, Scope.WRITE, Scope.TRIGGER)
_COLUMNS = {
    "id": "ID",
    "name": "NAME",
    "scopes": "SCOPES",
    "created_at": "CREATED",
    "last_used_at": "LAST USED",
    "expires_at": "EXPIRES",
    "revoked_at": "REVOKED",
}
app = typer.Typer(
    add_completion=False, rich_markup_mode=None, no_args_is_help=True, help="Tokens for programs that call the API."
)


@app.command()
def create(
    context: typer.Context,
    scope: Annotated[
        list[Scope] | None, typer.Option(help="What it may do; repeat it. Default: read, write, trigger.")
    ] = None,
    name: Annotated[str, typer.Option(help="What it is for.")] = "",
    expires: Annotated[str | None, typer.Option(help='How long it lasts, such as "90d"; for ever without it.')] = None,
    as_json: JsonOption = False,
) -> None:
    """Make a token. It is shown this once."""
    body: dict[str, Any] = {"scopes": list(dict.fromkeys(each.value for each in scope or _DEFAULT)), "name": name}
    if expires is not None:
        body["expires_in_s"] = _seconds(expires)

    async def ask(caller: Caller) -> Any:
        return await caller.post("/api/v1/tokens", body)

    made = call(context, ask)
    shown = {key: made[key] for key in ("token", "id", "scopes")}
    if as_json:
        print_json(shown)
    else:
        typer.echo(shown["token"])
        typer.echo(f"Token {shown['id']} may {', '.join(shown['scopes'])}. Keep it: it is not shown again.", err=True)


@app.command("list")
def list_tokens(context: typer.Context, as_json: JsonOption = False) -> None:
    """List the tokens, without their secrets."""

    async def ask(caller: Caller) -> list[Any]:
        return [item async for item in caller.items("/api/v1/tokens")]

    items = call(context, ask)
    if as_json:
        print_json({"items": items, "next": None})
    else:
        print_table(items, _COLUMNS, "There are no tokens.")


@app.command()
def revoke(context: typer.Context, token_id: str, as_json: JsonOption = False) -> None:
    """End a token at once."""

    async def ask(caller: Caller) -> None:
        await caller.delete(f"/api/v1/tokens/{part(token_id)}")

    call(context, ask)
    if as_json:
        print_json({"revoked": token_id})
    else:
        typer.echo(f"Token {token_id} is revoked.")


def _seconds(text: str) -> int:
    try:
        return round(Duration(text).seconds)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
