"""docs/commands.md is what the program says of itself."""

from house.command_page import PAGE, commands, drawn
from leadwire.cli.program import COMMANDS


def test_the_page_is_the_one_that_is_drawn_from_the_program() -> None:
    assert PAGE.read_text(encoding="utf-8") == drawn(), "draw it again: .venv/bin/python tests/house/command_page.py"


def test_every_command_is_drawn() -> None:
    names = [name.split()[1] for name, _ in commands()]
    assert list(dict.fromkeys(names)) == list(COMMANDS)


def test_every_option_says_what_it_does() -> None:
    mute = [
        f"{name} {parameter.opts[0]}"
        for name, command in commands()
        for parameter in command.params
        if parameter.param_type_name == "option" and len(parameter.help or "") < 8
    ]
    assert mute == []
