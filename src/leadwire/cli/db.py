"""`leadwire db`: the ledger's file."""

from pathlib import Path
from typing import Any

import typer

from leadwire.cli.means import JsonOption, config_path, means_of
from leadwire.cli.printing import print_json
from leadwire.config import load_place
from leadwire.engine.clock import SystemClock
from leadwire.model.errors import ConfigError, LeadwireError

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True, help="The ledger's file.")


@app.command()
def migrate(context: typer.Context, as_json: JsonOption = False) -> None:
    """Bring the ledger to this program's schema. The server must be stopped."""
    ledger = _ledger(context)
    means_of(context).upkeep().migrate(ledger, SystemClock().now())
    _tell({"migrated": str(ledger)}, f"{ledger} has this program's schema.", as_json)


@app.command()
def backup(context: typer.Context, target: Path, as_json: JsonOption = False) -> None:
    """Copy the ledger to TARGET, also while the server runs."""
    if target.exists():
        raise LeadwireError(f"{target} exists already: name a new file")
    means_of(context).upkeep().backup(_ledger(context), target)
    _tell({"backup": str(target)}, f"The ledger is copied to {target}.", as_json)


@app.command()
def check(context: typer.Context, as_json: JsonOption = False) -> None:
    """Look for damage in the ledger, also while the server runs."""
    ledger = _ledger(context)
    report = means_of(context).upkeep().check(ledger)
    is_ok = not report.findings
    counts = ", ".join(f"{count} {name}" for name, count in report.counts.items())
    words = "\n".join(report.findings) if report.findings else f"{ledger} is sound: {counts or 'nothing in it'}."
    _tell({"ok": is_ok, "findings": list(report.findings), "counts": dict(report.counts)}, words, as_json)
    if not is_ok:
        raise typer.Exit(1)


def _ledger(context: typer.Context) -> Path:
    place = load_place(config_path(context), means_of(context).environment)
    ledger = place.store.file
    if ledger is None:
        raise ConfigError(
            f"{place.path.name}: store.url names a PostgreSQL database: use pg_dump and pg_restore for it"
        )
    return ledger


def _tell(found: dict[str, Any], words: str, as_json: bool) -> None:
    if as_json:
        print_json(found)
    else:
        typer.echo(words)
