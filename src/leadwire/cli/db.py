"""`leadwire db`: the ledger's file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import typer

from leadwire.cli.means import JsonOption, Upkeep, config_path, means_of
from leadwire.cli.printing import print_json
from leadwire.config import load_place
from leadwire.model.errors import ConfigError, LeadwireError

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True, help="The ledger's file.")


@app.command()
def migrate(context: typer.Context, as_json: JsonOption = False) -> None:
    """Bring the ledger to this program's schema. The server must be stopped."""
    _tell(
        _with_file(context, lambda upkeep, path: upkeep.migrate(path)),
        "The ledger has this program's schema.",
        as_json,
    )


@app.command()
def backup(context: typer.Context, target: Path, as_json: JsonOption = False) -> None:
    """Copy the ledger to TARGET, also while the server runs."""
    if target.exists():
        raise LeadwireError(f"{target} exists already: name a new file")
    _tell(_with_file(context, lambda upkeep, path: upkeep.backup(path, target)), f"Copied to {target}.", as_json)


@app.command()
def check(context: typer.Context, as_json: JsonOption = False) -> None:
    """Look for damage in the ledger."""
    _tell(_with_file(context, lambda upkeep, path: upkeep.check(path)), "The ledger is whole.", as_json)


def _with_file(context: typer.Context, work: Callable[[Upkeep, Path], Any]) -> Any:
    place = load_place(config_path(context), means_of(context).environment)
    ledger = place.store.file
    if ledger is None:
        raise ConfigError(
            f"{place.path.name}: store.url names a PostgreSQL database: use pg_dump and pg_restore for it"
        )
    return work(means_of(context).upkeep(), ledger)


def _tell(found: Any, words: str, as_json: bool) -> None:
    if as_json:
        print_json(found)
    else:
        typer.echo(words)
