"""`leadwire leads`: find, show, export, split and erase leads."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from leadwire.cli.caller import Caller, call, part
from leadwire.cli.exporting import export_leads
from leadwire.cli.means import JsonOption, means_of
from leadwire.cli.printing import print_json, print_pairs, print_table
from leadwire.sdk.settings import Duration

SourceOption = Annotated[str | None, typer.Option(help="Only leads of this source.")]
SinceOption = Annotated[
    str | None, typer.Option(help='Only leads that changed since then: "2h", or a time as ISO 8601.')
]
_COLUMNS = {
    "id": "ID",
    "updated_at": "UPDATED",
    "full_name": "NAME",
    "phone": "PHONE",
    "email": "E-MAIL",
    "sources": "SOURCES",
    "version": "VERSION",
}
_RECORDS = {
    "source": "SOURCE",
    "native_id": "RECORD",
    "kind": "KIND",
    "occurred_at": "OCCURRED",
    "received_at": "RECEIVED",
    "via": "VIA",
}
_DELIVERIES = {
    "destination": "DESTINATION",
    "version": "VERSION",
    "state": "STATE",
    "attempts": "TRIES",
    "updated_at": "SINCE",
    "reason": "REASON",
}
app = typer.Typer(
    add_completion=False, rich_markup_mode=None, no_args_is_help=True, help="Find, show, export, split and erase leads."
)


@app.command("list")
def list_leads(
    context: typer.Context,
    words: Annotated[str | None, typer.Argument(help="Words of the name, phone, e-mail, company or city.")] = None,
    source: SourceOption = None,
    since: SinceOption = None,
    limit: Annotated[int, typer.Option(min=1, help="At most this many.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """List leads, the newest first."""
    query = {"q": words, "source": source, "since": _moment(since)}

    async def ask(caller: Caller) -> list[Any]:
        return [item async for item in caller.items("/api/v1/leads", limit, **query)]

    items = call(context, ask)
    if as_json:
        print_json({"items": items, "next": None})
    else:
        print_table([{**item, "sources": _sources(item)} for item in items], _COLUMNS, "There are no such leads.")


@app.command()
def show(context: typer.Context, lead_id: str, as_json: JsonOption = False) -> None:
    """Show one lead with its records and its deliveries."""

    async def ask(caller: Caller) -> Any:
        return await caller.get(f"/api/v1/leads/{part(lead_id)}", include=None if as_json else "timeline")

    lead = call(context, ask)
    if as_json:
        print_json(lead)
        return
    timeline = lead.pop("timeline", {})
    print_pairs((name, value) for name, value in lead.items() if name != "records")
    typer.echo()
    print_table(lead.get("records") or [], _RECORDS, "It has no records.")
    typer.echo()
    print_table(timeline.get("deliveries") or [], _DELIVERIES, "It is owed to no destination.")


@app.command()
def export(
    context: typer.Context,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The file to write; standard output without it.")
    ] = None,
    kind: Annotated[
        Literal["json", "csv"], typer.Option("--format", help="JSON, one array; or CSV, safe to open.")
    ] = "json",
    source: SourceOption = None,
    since: SinceOption = None,
) -> None:
    """Write every lead to a file. CSV cells that a spreadsheet would run as a formula begin with a quote."""
    query = {"source": source, "since": _moment(since)}

    async def ask(caller: Caller) -> int:
        return await export_leads(caller.items("/api/v1/leads", None, **query), kind, output)

    count = call(context, ask)
    if output is not None:
        typer.echo(f"Wrote {count} leads to {output}.", err=True)


@app.command()
def erase(
    context: typer.Context,
    lead_id: str,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Remove a lead's data for good. It is not taken in again."""
    if not yes:
        if not means_of(context).is_terminal():
            raise typer.BadParameter("nobody is there to be asked: add --yes")
        typer.confirm(f"Erase lead {lead_id} for good?", abort=True)

    async def ask(caller: Caller) -> Any:
        return await caller.delete(f"/api/v1/leads/{part(lead_id)}")

    call(context, ask)
    if as_json:
        print_json({"erased": lead_id})
    else:
        typer.echo(f"Lead {lead_id} is erased.")


@app.command()
def split(
    context: typer.Context,
    lead_id: str,
    record: Annotated[list[str], typer.Option(help="A record to move out, as SOURCE/RECORD; repeat it.")],
    as_json: JsonOption = False,
) -> None:
    """Move records out of a lead into a lead of their own: undo a wrong merge."""
    body = {"records": [_record(text) for text in record]}

    async def ask(caller: Caller) -> Any:
        return await caller.post(f"/api/v1/leads/{part(lead_id)}/split", body)

    answer = call(context, ask)
    if as_json:
        print_json(answer)
    else:
        typer.echo(f"{len(record)} records left lead {lead_id}.")


def _record(text: str) -> dict[str, str]:
    source, slash, native_id = text.partition("/")
    if not slash or not source or not native_id:
        raise typer.BadParameter(f'"{text}" is no record: write SOURCE/RECORD, as leads show lists them')
    return {"source": source, "native_id": native_id}


def _moment(since: str | None) -> str | None:
    """The time that an option names, as ISO 8601 in UTC."""
    if since is None:
        return None
    try:
        moment = datetime.now(UTC) - timedelta(seconds=Duration(since).seconds)
    except ValueError:
        try:
            moment = datetime.fromisoformat(since)
        except ValueError:
            raise typer.BadParameter(f'"{since}" is no time: write "2h", "7d" or "2026-11-23T09:00:00Z"') from None
        moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _sources(lead: dict[str, Any]) -> list[str]:
    records: Iterable[dict[str, Any]] = lead.get("records") or ()
    return list(dict.fromkeys(str(record["source"]) for record in records))
