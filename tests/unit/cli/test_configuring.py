"""init, check and schema."""

import re

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from leadwire.cli.reaching import try_addresses
from leadwire.config import examine
from unit.cli.line import Line

SECRET = "whsec_c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"


async def _not_allowed(_: web.Request) -> web.Response:
    return web.Response(status=405)


def _destination(name: str, url: str) -> str:
    return f'[destinations.{name}]\ntype = "http"\nurl = "{url}"\nsecret = "{SECRET}"\n'


def test_init_writes_a_config_that_is_right(line: Line) -> None:
    line.config.unlink()
    assert line("init").exit_code == 0
    assert "[sources.meta]" in line.config.read_text(encoding="utf-8")
    assert line("check").exit_code == 0


def test_every_setting_that_the_template_shows_exists(line: Line) -> None:
    line("init", "--force")
    text = line.config.read_text(encoding="utf-8")
    line.write("\n".join(re.sub(r"^# (?=\[|\w+ = )", "", row) for row in text.splitlines()))
    secret = "whsec_c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0"
    environment = dict.fromkeys(re.findall(r"\$\{(\w+)\}", line.config.read_text(encoding="utf-8")), secret)
    config, problems = examine(line.config, environment)
    assert [str(problem) for problem in problems] == []
    assert config is not None
    assert set(config.sources) == {"meta", "knowlarity", "site"}
    assert set(config.syncs) == {"crm"}


def test_init_never_overwrites_without_being_told(line: Line) -> None:
    line.write("# mine")
    result = line("init")
    assert result.exit_code == 2
    assert "--force" in result.stderr
    assert line.config.read_text(encoding="utf-8") == "# mine"
    assert line("init", "--force").exit_code == 0
    assert line.config.read_text(encoding="utf-8") != "# mine"


def test_the_demo_example_is_right_and_uses_the_simulators(line: Line) -> None:
    assert line("init", "--force", "--example", "demo").exit_code == 0
    told = line.json("check")
    assert told == {"ok": True, "problems": [], "notes": []}
    assert "127.0.0.1:9101" in line.config.read_text(encoding="utf-8")


def test_check_tells_problems_as_json(line: Line) -> None:
    line.write("[server]\nport = 99999\n")
    result = line("check", "--json")
    assert result.exit_code == 2
    told = msgspec.json.decode(result.stdout)
    assert told["ok"] is False
    assert told["problems"] == [
        {
            "file": "leadwire.toml",
            "key": "server.port",
            "message": "expected a whole number <= 65535",
            "value": "99999",
        }
    ]


def test_check_tells_problems_to_people_on_stderr(line: Line) -> None:
    line.write("[server]\nport = 99999\n")
    result = line("check")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "leadwire.toml: server.port = 99999: expected a whole number <= 65535\n"


def test_check_notes_what_is_allowed_but_odd(line: Line) -> None:
    result = line("check")
    assert "note: there are no sources yet: no lead can come in" in result.stdout
    assert "is right: 0 sources, 0 destinations, 0 syncs." in result.stdout


async def test_connect_reaches_what_answers_and_names_what_does_not(line: Line) -> None:
    app = web.Application()
    app.router.add_route("*", "/leads", _not_allowed)
    async with TestServer(app, host="127.0.0.1") as server:
        line.write(
            '[egress]\nallow = ["127.0.0.1"]\n'
            + _destination("up", f"{server.make_url('/leads')}?key=hidden")
            + _destination("down", "http://127.0.0.1:1/x")
            + _destination("private", "http://10.0.0.1/x")
        )
        config, problems = examine(line.config, {})
        assert config is not None, problems
        rows = {row["key"]: row for row in await try_addresses(config)}
    assert (rows["destinations.up.url"]["ok"], rows["destinations.up.url"]["detail"]) == (True, "answered 405")
    assert rows["destinations.down.url"]["ok"] is False
    assert rows["destinations.private.url"]["ok"] is False
    assert "[egress] allow" in rows["destinations.private.url"]["detail"]
    assert rows["destinations.private.url"]["url"] == "http://10.0.0.1"
    assert "hidden" not in str(rows)


def test_connect_fails_where_something_is_out_of_reach(line: Line) -> None:
    line.write(_destination("d", "http://127.0.0.1:1/x"))
    result = line("check", "--connect", "--json")
    assert result.exit_code == 1
    told = msgspec.json.decode(result.stdout)
    assert told["ok"] is False
    assert [row["key"] for row in told["addresses"]] == ["destinations.d.url"]


def test_schema_prints_a_schema_with_the_types_there_are(line: Line) -> None:
    schema = msgspec.json.decode(line("schema").stdout)
    kinds = schema["properties"]["sources"]["additionalProperties"]["oneOf"]
    assert "meta_lead_ads" in [kind["properties"]["type"]["const"] for kind in kinds]


@pytest.mark.parametrize("setting", ["trigger_token", "retry_horizon", "keys_per_lead_max"])
def test_schema_prints_the_reference_page(setting: str, line: Line) -> None:
    assert f"| `{setting}` |" in line("schema", "--markdown").stdout
