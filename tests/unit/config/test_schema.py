"""The JSON Schema takes what the loader takes and refuses what it refuses."""

import tomllib
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from leadwire.config import Connectors
from leadwire.config.reference import markdown, settings_of
from leadwire.config.schema import json_schema

GOOD = """
[server]
port = "${PORT}"
[store]
url = "sqlite:///x.db"
[sources.a]
type = "acme"
url = "https://a.example"
secret = "${S}"
poll = "30s"
pages = [{ id = "1", access_token = "file:x" }]
key = ["one", "two"]
[destinations.d]
type = "acme"
url = "https://d.example"
secret = "x"
rate = "10/s"
grain = "record"
[syncs.s]
from = ["a"]
to = "d"
fields = { name = "full_name" }
"""


@pytest.fixture
def schema(folder: Path) -> dict[str, Any]:
    return json_schema([Connectors(folder / "own").find("acme")])


def test_the_schema_is_one(schema: dict[str, Any]) -> None:
    jsonschema_rs.meta.validate(schema)


def test_a_right_file_passes(schema: dict[str, Any]) -> None:
    jsonschema_rs.validate(schema, tomllib.loads(GOOD))


@pytest.mark.parametrize(
    "change",
    [
        ('type = "acme"', 'type = "other"'),
        ('poll = "30s"', 'poll = "30"'),
        ('rate = "10/s"', 'rate = "10"'),
        ('grain = "record"', 'grain = "page"'),
        ('secret = "x"\n', ""),
        ('id = "1"', 'id = "x"'),
        ("[syncs.s]", "[syncs.S]"),
        ("[store]", "[stores]"),
        ('port = "${PORT}"', 'port = "80"'),
        ('to = "d"', "to = 1"),
    ],
)
def test_a_wrong_file_fails(change: tuple[str, str], schema: dict[str, Any]) -> None:
    wrong = tomllib.loads(GOOD.replace(*change))
    with pytest.raises(jsonschema_rs.ValidationError):
        jsonschema_rs.validate(schema, wrong)


def test_defaults_and_help_stand_in_the_schema(schema: dict[str, Any]) -> None:
    source = schema["properties"]["sources"]["additionalProperties"]["oneOf"][0]
    assert source["required"] == ["type", "url", "secret"]
    assert source["properties"]["look_back"]["default"] == "1h"
    assert source["properties"]["poll"]["default"] == "5m"
    assert source["properties"]["secret"]["writeOnly"] is True
    assert source["properties"]["url"]["description"] == "Where it is reached."


def test_the_reference_page_has_every_setting(folder: Path) -> None:
    connectors = [Connectors(folder / "own").find("acme")]
    page = markdown(connectors)
    assert "| `pages[].access_token` | secret | **required** | Page token. The token of the page. |" in page
    assert '| `key` | text or list of texts | `"id"` | Key. One column or several. |' in page
    assert [name for name in settings_of(connectors) if f"{name}`" not in page] == []
