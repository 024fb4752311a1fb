"""`leadwire demo`: simulated sources and a simulated CRM around a real engine."""

from typing import Annotated

import typer

from leadwire.cli.means import JsonOption, means_of

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def demo(
    context: typer.Context,
    seconds: Annotated[
        float | None, typer.Option(min=1, help="End after that long; runs until Ctrl-C without it.")
    ] = None,
    as_json: JsonOption = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port of the pages; 0 takes any free one.")] = 8080,
) -> None:
    """Watch leads arrive: simulated Meta, Knowlarity and CRM, and the inbox in your browser."""
    raise typer.Exit(means_of(context).demo(seconds, as_json, port))
