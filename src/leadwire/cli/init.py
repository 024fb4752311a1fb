"""`leadwire init`: a first leadwire.toml."""

from pathlib import Path
from random import Random
from typing import Annotated, Literal

import typer

from leadwire.cli.means import config_path
from leadwire.model.errors import ConfigError

app = typer.Typer(add_completion=False, rich_markup_mode=None)
_FOLDER = Path(__file__).parent / "templates"


@app.command()
def init(
    context: typer.Context,
    force: Annotated[bool, typer.Option("--force", help="Overwrite a file that is there.")] = False,
    example: Annotated[Literal["demo"] | None, typer.Option(help="A configuration for the simulators instead.")] = None,
) -> None:
    """Write a commented leadwire.toml to start from."""
    path = config_path(context)
    if path.exists() and not force:
        raise ConfigError(f"{path} is there already: take another name with --config, or overwrite it with --force")
    path.write_text(
        _demo() if example == "demo" else (_FOLDER / "leadwire.toml").read_text(encoding="utf-8"), encoding="utf-8"
    )
    typer.echo(f"Wrote {path}. Next: put your sources and destinations in, then leadwire check.")


def _demo() -> str:
    from leadwire.simulators.catalogue import CATALOGUE, config_for

    head = (_FOLDER / "demo.toml").read_text(encoding="utf-8")
    parts = [
        config_for(make(Random(1)), f"http://127.0.0.1:{9101 + number}")  # noqa: S311 - an example's names, no secret
        for number, make in enumerate(CATALOGUE.values())
    ]
    return "\n".join([head, *parts])
