"""A folder with a connector of its own, and a way to write a leadwire.toml into it."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from leadwire.config import Config, Problem, examine

ACME = '''
from typing import Annotated

import msgspec

from leadwire.sdk import Connector, Duration, DurationText, SecretText, setting


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """One page."""

    id: Annotated[str, setting("Page id", "The number of the page.", pattern="^[0-9]+$")]
    access_token: Annotated[SecretText, setting("Page token", "The token of the page.")]


class AcmeSettings(msgspec.Struct, frozen=True, kw_only=True):
    """A test's own connector."""

    url: Annotated[str, setting("URL", "Where it is reached.")]
    secret: Annotated[SecretText, setting("Secret", "Signs every request.")]
    spare: Annotated[SecretText | None, setting("Spare", "A second secret.")] = None
    pages: Annotated[tuple[Page, ...], setting("Pages", "The pages.")] = ()
    headers: Annotated[dict[str, SecretText], setting("Headers", "Sent with each request.")] = {}
    key: Annotated[str | list[str], setting("Key", "One column or several.")] = "id"
    size: Annotated[int, setting("Size", "How many at once.", ge=1)] = 3
    identity: Annotated[bool, setting("Identity", "Off for rows.")] = False
    look_back: Annotated[DurationText, setting("Look-back", "How far.")] = Duration("1h")

    def __post_init__(self):
        if self.url == "nowhere":
            raise ValueError("url leads nowhere: write an address")
        if self.size > 100 and not self.pages:
            raise ValueError("a size over 100 needs pages")


class Acme:
    def __init__(self, settings, tools):
        self.settings = settings


connector = Connector(type_name="acme", title="Acme", settings=AcmeSettings, source=Acme, destination=Acme)
'''
FIRST = '[server]\nconnectors = "own"\n'

Examine = Callable[..., tuple[Config | None, list[str]]]
Load = Callable[..., Config]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    connector = tmp_path / "own" / "acme"
    connector.mkdir(parents=True)
    (connector / "__init__.py").write_text(ACME, encoding="utf-8")
    return tmp_path


def _examine(folder: Path, text: str, environment: Mapping[str, str]) -> tuple[Config | None, list[Problem]]:
    path = folder / "leadwire.toml"
    path.write_text(FIRST + text, encoding="utf-8")
    config, problems = examine(path, environment)
    return config, list(problems)


@pytest.fixture
def problems_of(folder: Path) -> Callable[..., list[str]]:
    """Writes the text and answers the problems as lines; the config must be refused."""

    def ask(text: str, **environment: str) -> list[str]:
        config, problems = _examine(folder, text, environment)
        assert config is None
        return [str(problem) for problem in problems]

    return ask


@pytest.fixture
def config_of(folder: Path) -> Load:
    """Writes the text and answers the config, which must be right."""

    def ask(text: str, **environment: str) -> Config:
        config, problems = _examine(folder, text, environment)
        assert [str(problem) for problem in problems] == []
        assert config is not None
        return config

    return ask
