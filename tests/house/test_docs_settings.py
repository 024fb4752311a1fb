"""docs/configuration.md says what the declarations say: an undocumented setting, or one that is gone, is a failure."""

import re
from pathlib import Path

from leadwire.config import Connectors
from leadwire.config.reference import markdown, settings_of

PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"


def test_the_page_is_the_one_that_is_drawn_from_the_declarations() -> None:
    drawn = markdown(Connectors().loadable())
    assert PAGE.read_text(encoding="utf-8") == drawn, (
        "draw it again: leadwire schema --markdown > docs/configuration.md"
    )


def test_every_setting_is_on_the_page() -> None:
    page = PAGE.read_text(encoding="utf-8")
    named = {name.rpartition(".")[2] for name in re.findall(r"^\| `([^`]+)` \|", page, flags=re.MULTILINE)}
    assert [name for name in settings_of(Connectors().loadable()) if name not in named] == []


def test_every_setting_says_what_it_is_for() -> None:
    rows = re.findall(r"^\| `([^`]+)` \|.*\| ([^|]*) \|$", markdown(Connectors().loadable()), flags=re.MULTILINE)
    assert len(rows) > 30
    assert [name for name, text in rows if len(text.strip()) < 15] == []
