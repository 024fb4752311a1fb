"""`leadwire run`: the server."""

from typing import Annotated

import typer

from leadwire.cli.means import config_path, means_of
from leadwire.config import load

ROLES = ("web", "engine", "poll")
app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def run(
    context: typer.Context,
    roles: Annotated[str, typer.Option(help="What this process does, as a list: web, engine, poll.")] = ",".join(ROLES),
) -> None:
    """Take leads in, bring them on, and serve the pages and the API, until SIGTERM."""
    asked = frozenset(name.strip() for name in roles.split(",") if name.strip())
    unknown = sorted(asked - set(ROLES))
    if unknown or not asked:
        raise typer.BadParameter(f"there is no role {', '.join(unknown) or 'named'}; roles are {', '.join(ROLES)}")
    means = means_of(context)
    raise typer.Exit(means.run(load(config_path(context), means.environment), asked))
