"""`leadwire schema`: the JSON Schema of leadwire.toml, or its reference page."""

from pathlib import Path
from typing import Annotated

import typer

from leadwire.cli.means import JsonOption, config_path, means_of
from leadwire.cli.printing import print_json
from leadwire.config import Connectors, load_place
from leadwire.config.reference import markdown
from leadwire.config.schema import json_schema

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def schema(
    context: typer.Context,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print the reference page instead.")] = False,
    _as_json: JsonOption = True,
) -> None:
    """Print the JSON Schema of leadwire.toml, for editors and checks."""
    connectors = Connectors(_own_folder(context)).loadable()
    if as_markdown:
        typer.echo(markdown(connectors), nl=False)
    else:
        print_json(json_schema(connectors))


def _own_folder(context: typer.Context) -> Path | None:
    path = config_path(context)
    if not path.is_file():
        return None
    place = load_place(path, means_of(context).environment)
    return place.path.parent / place.server.connectors if place.server.connectors else None
