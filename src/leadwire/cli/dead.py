"""`leadwire dead`: what waits for a human: dead letters, parked fetches, quarantined events."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, get_args

import msgspec
import typer

from leadwire.cli.caller import Caller, Refused, call
from leadwire.cli.means import JsonOption
from leadwire.cli.printing import print_json, print_pairs, print_table

Kind = Literal["delivery", "fetch", "event"]
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
_LISTS: dict[Kind, tuple[str, str]] = {
    "delivery": ("/api/v1/deliveries", "dead"),
    "fetch": ("/api/v1/fetches", "parked"),
    "event": ("/api/v1/events", "quarantined"),
}
_EVENT = "event:"
app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="What waits for a human: dead letters, parked fetches, quarantined events.",
)


class Which(msgspec.Struct, frozen=True, kw_only=True):
    """What a command is about: a kind, or all; a destination; a source."""

    kind: Kind | None = None
    destination: str | None = None
    source: str | None = None

    @property
    def kinds(self) -> Sequence[Kind]:
        """The kinds that the other options leave."""
        if self.kind is not None:
            return [self.kind]
        if self.destination is not None:
            return ["delivery"]
        return ["fetch", "event"] if self.source is not None else get_args(Kind)

    def filter_of(self, kind: Kind) -> dict[str, str]:
        """The filter of this kind as the API takes it."""
        name, value = ("destination", self.destination) if kind == "delivery" else ("source", self.source)
        return {"state": _LISTS[kind][1], **({name: value} if value is not None else {})}


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
        return await _waiting(caller, which, limit)

    items = call(context, ask)
    if as_json:
        print_json({"items": items, "next": None})
    else:
        rows = [{**item, "where": item.get("destination") or item.get("source")} for item in items]
        print_table(rows, _COLUMNS, "Nothing waits for you.")


@app.command()
def show(context: typer.Context, dead_id: str, as_json: JsonOption = False) -> None:
    """Show one of them in full."""
    which = Which(kind=_kind_of(dead_id))

    async def ask(caller: Caller) -> dict[str, Any]:
        for item in await _waiting(caller, which, None):
            if item["id"] == dead_id:
                return item
        raise Refused(f"nothing of the id {dead_id} waits: see leadwire dead list")

    item = call(context, ask)
    if as_json:
        print_json(item)
    else:
        print_pairs(item.items())


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
    bodies = _bodies(ids, Which(destination=destination, source=source))

    async def ask(caller: Caller) -> int:
        count = 0
        for each, body in bodies:
            answer = await caller.post(f"{_LISTS[each][0]}/replay", {**body, **({"dry_run": True} if dry_run else {})})
            count += int(answer["replayed"])
        return count

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
    bodies = _bodies(ids, Which(kind="delivery", destination=destination))
    if any(each != "delivery" for each, _ in bodies):
        raise typer.BadParameter("only dead letters can be dropped: fetches and events stay until they are read")

    async def ask(caller: Caller) -> int:
        answers = [await caller.post("/api/v1/deliveries/drop", {**body, "reason": reason}) for _, body in bodies]
        return sum(int(answer["dropped"]) for answer in answers)

    count = call(context, ask)
    if as_json:
        print_json({"dropped": count})
    else:
        typer.echo(f"{count} dropped.")


async def _waiting(caller: Caller, which: Which, limit: int | None) -> list[dict[str, Any]]:
    return [
        {**item, "kind": kind, "id": _id_of(kind, item)}
        for kind in which.kinds
        async for item in caller.items(_LISTS[kind][0], limit, **which.filter_of(kind))
    ]


def _id_of(kind: Kind, item: dict[str, Any]) -> str:
    if kind == "fetch":
        return f"{item['source']}/{item['native_id']}"
    return f"{_EVENT}{item['sequence']}" if kind == "event" else str(item["id"])


def _kind_of(dead_id: str) -> Kind:
    if dead_id.startswith(_EVENT):
        return "event"
    return "fetch" if "/" in dead_id else "delivery"


def _bodies(ids: Sequence[str], which: Which) -> list[tuple[Kind, dict[str, Any]]]:
    """What to post to each kind: the ids of that kind, or a filter."""
    if list(ids) == ["all"]:
        return [(kind, {"filter": which.filter_of(kind)}) for kind in which.kinds]
    if "all" in ids or which.destination is not None or which.source is not None:
        raise typer.BadParameter('name ids, or say "all" (of a --destination or a --source)')
    by_kind: dict[Kind, list[Any]] = {}
    for dead_id in ids:
        kind = _kind_of(dead_id)
        by_kind.setdefault(kind, []).append(_number(dead_id) if kind == "event" else dead_id)
    return [(kind, {"ids": each}) for kind, each in by_kind.items()]


def _number(dead_id: str) -> int:
    digits = dead_id.removeprefix(_EVENT)
    if not digits.isdecimal():
        raise typer.BadParameter(f'"{dead_id}" is no event: write event:NUMBER, as dead list prints it')
    return int(digits)
