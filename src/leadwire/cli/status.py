"""`leadwire status`: does every lead arrive, how late, and why not?"""

from typing import Any

import typer

from leadwire.cli.caller import Caller, call
from leadwire.cli.means import JsonOption
from leadwire.cli.printing import print_json, print_pairs, print_table

_SOURCES = {
    "name": "SOURCE",
    "state": "STATE",
    "last_event_at": "LAST EVENT",
    "last_poll_at": "LAST POLL",
    "hint": "HINT",
}
_DESTINATIONS = {
    "name": "DESTINATION",
    "state": "STATE",
    "due": "DUE",
    "oldest_due_s": "OLDEST DUE (S)",
    "dead": "DEAD",
}
app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def status(context: typer.Context, as_json: JsonOption = False) -> None:
    """Show every source, every destination, and how far behind each is."""

    async def ask(caller: Caller) -> Any:
        return await caller.get("/api/v1/status")

    answer = call(context, ask)
    if as_json:
        print_json(answer)
        return
    print_table(answer["sources"], _SOURCES, "No sources are configured.")
    typer.echo()
    print_table(answer["destinations"], _DESTINATIONS, "No destinations are configured.")
    typer.echo()
    lag = answer.get("lag") or {}
    print_pairs([("ready", answer.get("ready")), *((f"lag {name}", value) for name, value in lag.items())])
