"""`leadwire check`: what is wrong with the configuration, and, with --connect, what can't be reached."""

import asyncio
from typing import Annotated, Any

import msgspec
import typer

from leadwire.cli.means import JsonOption, config_path, means_of
from leadwire.cli.printing import print_json, print_table
from leadwire.config import Config, examine
from leadwire.config.problems import refusal

_REACHED = {"key": "SETTING", "url": "ADDRESS", "ok": "REACHED", "detail": "DETAIL"}
app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def check(
    context: typer.Context,
    connect: Annotated[bool, typer.Option("--connect", help="Also try every address in it.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Check the configuration: each problem with file, key, value and fix."""
    path = config_path(context)
    config, problems = examine(path, means_of(context).environment)
    if config is None:
        if not as_json:
            raise refusal(problems)
        print_json({"ok": False, "problems": msgspec.to_builtins(problems), "notes": []})
        raise typer.Exit(2)
    reached = _try_addresses(config) if connect else None
    is_ok = all(each["ok"] for each in reached or ())
    notes = notes_on(config)
    if as_json:
        told: dict[str, Any] = {"ok": is_ok, "problems": [], "notes": notes}
        print_json(told if reached is None else {**told, "addresses": reached})
    else:
        for note in notes:
            typer.echo(f"note: {note}")
        if reached is not None:
            print_table(reached, _REACHED, "There are no addresses to try.")
        typer.echo(f"{path} is right: {_counts(config)}." if is_ok else "Some addresses can't be reached.")
    if not is_ok:
        raise typer.Exit(1)


def notes_on(config: Config) -> list[str]:
    """What is allowed but may not be meant."""
    used = {name for sync in config.syncs.values() for name in sync.sources}
    targets = {sync.to for sync in config.syncs.values()}
    notes = [
        f"no sync takes from sources.{name}: its leads stay in the inbox" for name in config.sources if name not in used
    ]
    notes += [f"no sync brings anything to destinations.{name}" for name in config.destinations if name not in targets]
    if not config.sources:
        notes.append("there are no sources yet: no lead can come in")
    return notes


def _try_addresses(config: Config) -> list[dict[str, Any]]:
    from leadwire.cli.reaching import try_addresses

    return asyncio.run(try_addresses(config))


def _counts(config: Config) -> str:
    return ", ".join(
        f"{len(table)} {what if len(table) == 1 else plural}"
        for table, what, plural in (
            (config.sources, "source", "sources"),
            (config.destinations, "destination", "destinations"),
            (config.syncs, "sync", "syncs"),
        )
    )
