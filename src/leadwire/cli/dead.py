"""`leadwire dead`: what waits for a human: dead letters, parked fetches, quarantined events."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from leadwire.cli.caller import Caller, Refused, call, part
from leadwire.cli.means import JsonOption
from leadwire.cli.printing import print_json, print_pairs, print_table
from leadwire.cli.waiting import Kind, Which, kind_of, replay_all, waiting
from leadwire.cli.waiting import replay as replay_ids

KindOption = Annotated[Kind | None, typer.Option(help="Only this kind.")]
DestinationOption = Annotated[str | None, typer.Option(help="Only dead letters of this destination.")]
SourceOption = Annotated[str | None, typer.Option(help="Only parked fetches and quarantined events of this source.")]
IdsArgument = Annotated[
    list[str], typer.Argument(metavar="ID", help="Ids as dead list prints them, or all (of a destination or source).")
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Only count.")]
_COLUMNS = {
    "id": "ID",
    "kind": "KIND",
    "where": "WHERE",
    "attempts": "TRIES",
    "updated_at": "SINCE",
    "reason": "REASON",
}
_TRIES = {
    "number": "TRY",
    "started_at": "STARTED",
    "duration_ms": "MS",
    "outcome": "OUTCOME",
    "status": "STATUS",
    "detail": "DETAIL",
}
app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="What waits for a human: dead letters, parked fetches, quarantined events.",
)


@app.command("list")
def list_dead(
    context: typer.Context,
    kind: KindOption = None,
    destination: DestinationOption = None,
    source: SourceOption = None,
    limit: Annotated[int, typer.Option(min=1, help="At most this many of each kind.")] = 100,
    as_json: JsonOption = False,
) -> None:
    """List what waits, each with its reason."""
    which = Which(kind=kind, destination=destination, source=source)

    async def ask(caller: Caller) -> list[dict[str, Any]]:
        return await waiting(caller, which, limit)

    items = call(context, ask)
    if as_json:
        print_json({"items": items, "next": None})
    else:
        rows = [{**item, "where": item.get("destination") or item.get("source")} for item in items]
        print_table(rows, _COLUMNS, "Nothing waits for you.")


@app.command()
def show(context: typer.Context, dead_id: str, as_json: JsonOption = False) -> None:
    """Show one of them in full; a dead letter with every try."""

    async def ask(caller: Caller) -> dict[str, Any]:
        kind = kind_of(dead_id)
        if kind == "delivery":
            found: dict[str, Any] = await caller.get(f"/api/v1/deliveries/{part(dead_id)}")
            return {**found["delivery"], "attempts": found["attempts"]}
        for item in await waiting(caller, Which(kind=kind)):
            if item["id"] == dead_id:
                return item
        raise Refused(f"nothing of the id {dead_id} waits: see leadwire dead list")

    item = call(context, ask)
    if as_json:
        print_json(item)
        return
    tries = item.pop("attempts")
    print_pairs(item.items())
    if isinstance(tries, list):
        typer.echo()
        print_table(tries, _TRIES, "It was never tried.")


@app.command()
def replay(
    context: typer.Context,
    ids: IdsArgument,
    destination: DestinationOption = None,
    source: SourceOption = None,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Run them again on purpose: by id, or all (of a destination or a source)."""
    which = Which(destination=destination, source=source)
    is_all = _means_all(ids, which)

    async def ask(caller: Caller) -> int:
        if is_all:
            return await replay_all(caller, which, dry_run=dry_run)
        return await replay_ids(caller, ids, dry_run=dry_run)

    count = call(context, ask)
    if as_json:
        print_json({"replayed": count})
    else:
        typer.echo(f"{count} would run again." if dry_run else f"{count} run again.")


@app.command()
def drop(
    context: typer.Context,
    ids: IdsArgument,
    reason: Annotated[str, typer.Option(help="Why; it stays with them.")] = "dropped by hand",
    destination: DestinationOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give dead letters up for good, with a reason."""
    which = Which(kind="delivery", destination=destination)
    is_all = _means_all(ids, which)
    if any(kind_of(each) != "delivery" for each in ids):
        raise typer.BadParameter("only dead letters can be dropped: fetches and events stay until they are read")
    body = {"filter": which.dead_letters} if is_all else {"ids": ids}

    async def ask(caller: Caller) -> int:
        return int((await caller.post("/api/v1/deliveries/drop", {**body, "reason": reason}))["dropped"])

    count = call(context, ask)
    if as_json:
        print_json({"dropped": count})
    else:
        typer.echo(f"{count} dropped.")


def _means_all(ids: Sequence[str], which: Which) -> bool:
    if list(ids) == ["all"]:
        return True
    if "all" in ids or which.destination is not None or which.source is not None:
        raise typer.BadParameter('name ids, or say "all" (of a --destination or a --source)')
    return False
