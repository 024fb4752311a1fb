"""What waits for a human, of three kinds, as one list: dead letters, parked fetches, quarantined events."""

from collections.abc import Sequence
from typing import Any, Literal, get_args

import msgspec
import typer

from leadwire.cli.caller import Caller

Kind = Literal["delivery", "fetch", "event"]
_LISTS: dict[Kind, tuple[str, str]] = {
    "delivery": ("/api/v1/deliveries", "dead"),
    "fetch": ("/api/v1/fetches", "parked"),
    "event": ("/api/v1/events", "quarantined"),
}
_EVENT = "event:"
_IDS_MAX = 1_000


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

    @property
    def dead_letters(self) -> dict[str, str]:
        """The filter of dead letters as the API takes it."""
        return {"state": "dead", **({} if self.destination is None else {"destination": self.destination})}


async def waiting(caller: Caller, which: Which, limit: int | None = None) -> list[dict[str, Any]]:
    """Everything that waits, each with its kind and the id that commands take; at most `limit` of each kind."""
    found: list[dict[str, Any]] = []
    for kind in which.kinds:
        path, state = _LISTS[kind]
        query = {"destination": which.destination} if kind == "delivery" else {"source": which.source}
        items = caller.items(path, limit, state=state, **query)
        found += [{**item, "kind": kind, "id": _id_of(kind, item)} async for item in items if _is_of(item, which)]
    return found


def kind_of(waiting_id: str) -> Kind:
    """Whose id it is."""
    if waiting_id.startswith(_EVENT):
        return "event"
    return "fetch" if "/" in waiting_id else "delivery"


async def replay(caller: Caller, ids: Sequence[str], *, dry_run: bool) -> int:
    """Runs these again; answers how many run (or would)."""
    by_path: dict[str, list[dict[str, Any]]] = {}
    letters = [each for each in ids if kind_of(each) == "delivery"]
    if letters:
        by_path["/api/v1/deliveries/replay"] = [{"ids": part, "dry_run": dry_run} for part in _parts(letters)]
    if dry_run:
        rest = len(ids) - len(letters)
        return rest + await _post_all(caller, by_path)
    by_path["/api/v1/fetches/replay"] = [
        {"source": source, "ids": part} for source, native_ids in _by_source(ids).items() for part in _parts(native_ids)
    ]
    events = [_number(each) for each in ids if kind_of(each) == "event"]
    by_path["/api/v1/events/replay"] = [{"ids": part} for part in _parts(events)]
    return await _post_all(caller, by_path)


async def replay_all(caller: Caller, which: Which, *, dry_run: bool) -> int:
    """Runs all of them again; answers how many run (or would)."""
    count = 0
    if "delivery" in which.kinds:
        body = {"filter": which.dead_letters, "dry_run": dry_run}
        count += int((await caller.post("/api/v1/deliveries/replay", body))["replayed"])
    for kind in ("fetch", "event"):
        if kind in which.kinds:
            items = await waiting(caller, Which(kind=kind, source=which.source))
            count += await replay(caller, [item["id"] for item in items], dry_run=dry_run)
    return count


async def _post_all(caller: Caller, by_path: dict[str, list[dict[str, Any]]]) -> int:
    return sum(
        [int((await caller.post(path, body))["replayed"]) for path, bodies in by_path.items() for body in bodies]
    )


def _id_of(kind: Kind, item: dict[str, Any]) -> str:
    if kind == "fetch":
        return f"{item['source']}/{item['id']}"
    return f"{_EVENT}{item['id']}" if kind == "event" else str(item["id"])


def _is_of(item: dict[str, Any], which: Which) -> bool:
    return which.source is None or item.get("source") == which.source


def _by_source(ids: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for each in ids:
        if kind_of(each) == "fetch":
            source, _, native_id = each.partition("/")
            found.setdefault(source, []).append(native_id)
    return found


def _number(waiting_id: str) -> int:
    digits = waiting_id.removeprefix(_EVENT)
    if not digits.isdecimal():
        raise typer.BadParameter(f'"{waiting_id}" is no event: write event:NUMBER, as dead list prints it')
    return int(digits)


def _parts(ids: Sequence[Any]) -> list[Sequence[Any]]:
    return [ids[start : start + _IDS_MAX] for start in range(0, len(ids), _IDS_MAX)]
