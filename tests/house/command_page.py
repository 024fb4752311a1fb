"""Draws docs/commands.md from the program itself. Draw it again with: .venv/bin/python tests/house/command_page.py"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from leadwire.cli.program import program

PAGE = Path(__file__).parents[2] / "docs" / "commands.md"
HEAD = """# Commands

<!-- Drawn by tests/house/command_page.py from the program itself; a test compares the two. -->

`--config FILE` names the configuration and may stand anywhere; `./leadwire.toml` is read without it. `--json` prints JSON
wherever data is printed. A command ends with 0 (done), 1 (failed) or 2 (wrong usage or configuration). Commands that need
data ask the server that runs on this ledger; where none runs they open the ledger themselves.
"""


def drawn() -> str:
    """The whole page."""
    parts = [HEAD]
    for name, command in commands():
        parts.append(_section(name, command))
    return "\n".join(parts)


def commands() -> Iterator[tuple[str, Any]]:
    """Every command that does something, with its whole name."""
    yield from _within("leadwire", typer.main.get_command(program))


def _within(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    children = command.list_commands(None) if hasattr(command, "list_commands") else []
    if not children:
        yield name, command
    for child in children:
        yield from _within(f"{name} {child}", command.get_command(None, child))


def _section(name: str, command: Any) -> str:
    arguments = [_argument(each) for each in command.params if each.param_type_name == "argument"]
    lines = [f"## `{' '.join([name, *arguments])}`", "", _words(command.help), ""]
    rows = [row for each in command.params if (row := _row(each)) is not None]
    if rows:
        lines += ["| option | what it does | default |", "| --- | --- | --- |", *rows, ""]
    return "\n".join(lines)


def _argument(argument: Any) -> str:
    name = (argument.metavar or argument.name).upper()
    repeated = f"{name}…" if argument.nargs == -1 else name
    return repeated if argument.required else f"[{repeated}]"


def _row(parameter: Any) -> str | None:
    if parameter.param_type_name == "argument":
        text = getattr(parameter, "help", None)
        return f"| {(parameter.metavar or parameter.name).upper()} | {_words(text)} |  |" if text else None
    names = ", ".join(f"`{name}`" for name in parameter.opts)
    default = parameter.default
    is_said = default not in (None, False, True, "", ()) and not callable(default)
    return f"| {names} | {_words(parameter.help)} | {f'`{default}`' if is_said else ''} |"


def _words(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(drawn(), encoding="utf-8")
