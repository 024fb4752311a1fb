"""Connectors are found by their folder, and a broken one says what is wrong with it."""

from pathlib import Path

import pytest

from leadwire.config import Connectors
from leadwire.model.errors import ConfigError

GOOD = """
import msgspec
from leadwire.sdk import Connector
from leadwire.connectors.{name}.words import TITLE
class Settings(msgspec.Struct, frozen=True):
    pass
connector = Connector(type_name="{name}", title=TITLE, settings=Settings)
"""


def _put(folder: Path, name: str, text: str, title: str = "A title") -> None:
    (folder / name).mkdir(exist_ok=True)
    (folder / name / "__init__.py").write_text(text, encoding="utf-8")
    (folder / name / "words.py").write_text(f"TITLE = {title!r}\n", encoding="utf-8")


def test_a_folder_is_found_and_its_files_import_each_other(tmp_path: Path) -> None:
    _put(tmp_path, "dropped_in", GOOD.format(name="dropped_in"))
    connectors = Connectors(tmp_path)
    assert "dropped_in" in connectors.types()
    assert connectors.find("dropped_in").title == "A title"


def test_the_same_folder_is_loaded_once(tmp_path: Path) -> None:
    _put(tmp_path, "loaded_once", GOOD.format(name="loaded_once"))
    assert Connectors(tmp_path).find("loaded_once") is Connectors(tmp_path).find("loaded_once")


def test_two_folders_of_one_name_do_not_mix(tmp_path: Path) -> None:
    for number in ("one", "two"):
        (tmp_path / number).mkdir()
        _put(tmp_path / number, "same_name", GOOD.format(name="same_name"), title=number)
    assert [Connectors(tmp_path / number).find("same_name").title for number in ("one", "two", "one")] == [
        "one",
        "two",
        "one",
    ]


def test_files_without_an_init_are_no_connectors(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "readme.md").write_text("x", encoding="utf-8")
    assert {"notes", "readme"}.isdisjoint(Connectors(tmp_path).types())


def test_a_built_in_name_is_never_taken_over(tmp_path: Path) -> None:
    built_in = Connectors().types()[0]
    _put(tmp_path, built_in, GOOD.format(name=built_in))
    assert Connectors(tmp_path).shadowed == [built_in]
    assert Connectors().shadowed == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import no_such_package\n", "No module named 'no_such_package'; install what it needs"),
        ("def broken(:\n", "can't be loaded: SyntaxError"),
        ("nonsense\n", "can't be loaded: NameError: name 'nonsense' is not defined"),
        ("x = 1\n", r"does not introduce itself: its __init__.py needs connector = Connector\(...\)"),
        (
            GOOD.format(name="other_name").replace(
                "leadwire.connectors.other_name.words", "leadwire.connectors.broken_one.words"
            ),
            'calls itself "other_name"',
        ),
    ],
)
def test_a_broken_connector_says_why(tmp_path: Path, text: str, words: str) -> None:
    _put(tmp_path, "broken_one", text)
    with pytest.raises(ConfigError, match=words):
        Connectors(tmp_path).find("broken_one")


def test_an_unknown_type_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        Connectors().find("no_such_type")


def test_every_built_in_connector_can_be_loaded() -> None:
    connectors = Connectors()
    assert [connector.type_name for connector in connectors.loadable()] == connectors.types()
