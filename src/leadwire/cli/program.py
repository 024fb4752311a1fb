"""The root command: which commands there are, where they live, and how an error ends the process."""

import importlib
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import leadwire
from leadwire.cli.means import Means
from leadwire.model.errors import ConfigError, LeadwireError, StoreRefused

COMMANDS = (
    "demo",
    "init",
    "check",
    "run",
    "status",
    "leads",
    "dead",
    "simulate",
    "db",
    "token",
    "user",
    "schema",
)


class LazyGroup(TyperGroup):
    """Loads a command's module when the command is asked for, and turns every error of ours into a message and an exit code."""

    def parse_args(self, context: Any, arguments: list[str]) -> list[str]:
        """Takes `--config` wherever it stands, so that every command has it."""
        return super().parse_args(context, config_first(arguments))

    def list_commands(self, _context: Any) -> list[str]:
        """The commands, in the order a newcomer meets them."""
        return list(COMMANDS)

    def get_command(self, _context: Any, name: str) -> Any:
        """The command of this name; None where there is none."""
        if name not in COMMANDS:
            return None
        module = importlib.import_module(f"leadwire.cli.{name}")
        return typer.main.get_command(module.app)

    def invoke(self, context: Any) -> Any:
        """Runs the command."""
        if context.obj is None:
            context.obj = Means()
        try:
            return super().invoke(context)
        except (ConfigError, StoreRefused) as error:
            _say(error)
            raise typer.Exit(2) from None
        except LeadwireError as error:
            _say(error)
            raise typer.Exit(1) from None
        except BrokenPipeError:
            raise
        except OSError as error:
            _say(f"{error.filename}: {error.strerror}" if error.filename else error)
            raise typer.Exit(1) from None


def config_first(arguments: Sequence[str]) -> list[str]:
    """The arguments with every `--config FILE` moved to the front; what follows a bare "--" stays."""
    moved: list[str] = []
    rest: list[str] = []
    waiting = iter(arguments)
    for argument in waiting:
        if argument == "--":
            rest += [argument, *waiting]
        elif argument == "--config":
            moved += [argument, *(value for value in [next(waiting, None)] if value is not None)]
        elif argument.startswith("--config="):
            moved.append(argument)
        else:
            rest.append(argument)
    return moved + rest


def _say(message: object) -> None:
    typer.echo(str(message), err=True)


def _version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"leadwire {leadwire.__version__}")
        raise typer.Exit


program = typer.Typer(
    cls=LazyGroup,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Brings every lead from ad platforms, phone calls and forms to the CRM and the sales inbox: none lost, none twice.",
)


@program.callback()
def root(
    config: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="The configuration; may stand after the command too. Default: ./leadwire.toml."
        ),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Takes what stands before the command."""


def call(arguments: Sequence[str], means: Means) -> int:
    """Runs one command line and answers its exit code."""
    try:
        program(list(arguments), prog_name="leadwire", obj=means)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    return 0
