"""`leadwire user`: people who sign in to the pages."""

import sys
from typing import Annotated, Any, Literal

import typer

from leadwire.cli.caller import Caller, call, part
from leadwire.cli.means import JsonOption, config_path, means_of
from leadwire.cli.printing import print_json, print_table
from leadwire.config import load_place

_COLUMNS = {"name": "NAME", "role": "ROLE", "created_at": "CREATED", "disabled_at": "DISABLED"}
app = typer.Typer(
    add_completion=False, rich_markup_mode=None, no_args_is_help=True, help="People who sign in to the pages."
)


@app.command()
def add(
    context: typer.Context,
    name: str,
    role: Annotated[
        Literal["rep", "admin"], typer.Option(help="rep works leads; admin also changes settings.")
    ] = "rep",
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Add a person. Without a password a one-time sign-in link is printed."""
    password = _password(name, is_piped=password_stdin, may_ask=means_of(context).is_terminal() and not as_json)

    async def ask(caller: Caller) -> Any:
        body = {"name": name, "role": role, **({"password": password} if password else {})}
        made = await caller.post("/api/v1/users", body)
        if password:
            return made
        link = (await caller.post(f"/api/v1/users/{part(name)}/link"))["link"]
        return {**made, "link": f"{_own_address(context)}{link}" if link.startswith("/") else link}

    made = call(context, ask)
    if as_json:
        print_json(made)
        return
    typer.echo(f"{name} may sign in as {role}.", err=True)
    if made.get("link"):
        typer.echo(made["link"])
        typer.echo("The link works once, and not for long.", err=True)


@app.command("list")
def list_users(context: typer.Context, as_json: JsonOption = False) -> None:
    """List the people."""

    async def ask(caller: Caller) -> list[Any]:
        return [item async for item in caller.items("/api/v1/users")]

    items = call(context, ask)
    if as_json:
        print_json({"items": items, "next": None})
    else:
        print_table(items, _COLUMNS, "Nobody may sign in yet: leadwire user add NAME.")


@app.command()
def disable(context: typer.Context, name: str, as_json: JsonOption = False) -> None:
    """Sign a person out and keep them out."""

    async def ask(caller: Caller) -> None:
        await caller.post(f"/api/v1/users/{part(name)}/disable")

    call(context, ask)
    if as_json:
        print_json({"disabled": name})
    else:
        typer.echo(f"{name} may no longer sign in.")


def _own_address(context: typer.Context) -> str:
    server = load_place(config_path(context), means_of(context).environment).server
    return f"http://{server.host}:{server.port}"


def _password(name: str, *, is_piped: bool, may_ask: bool) -> str:
    if is_piped:
        password = sys.stdin.readline().rstrip("\r\n")
        if not password:
            raise typer.BadParameter("standard input held no password")
        return password
    if not may_ask:
        return ""
    asked: str = typer.prompt(
        f"Password for {name} (empty: print a one-time sign-in link)",
        default="",
        hide_input=True,
        confirmation_prompt=True,
        show_default=False,
    )
    return asked
