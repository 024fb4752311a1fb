"""The program: where --config may stand, how it ends, and that nobody ever sees a traceback."""

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from leadwire.cli.means import Means
from leadwire.cli.program import COMMANDS, call, config_first, program
from leadwire.config import Config
from leadwire.model.errors import ConfigError, LeadwireError, StoreRefused
from unit.cli.line import Line


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str, line: Line) -> None:
    result = line(name, "--help")
    assert result.exit_code == 0
    assert f"Usage: leadwire {name}" in result.stdout.replace("root", "leadwire")


def test_the_root_lists_every_command(line: Line) -> None:
    listed = line("--help").stdout
    assert [name for name in COMMANDS if f"\n  {name} " not in listed] == []


@pytest.mark.parametrize(
    ("given", "moved"),
    [
        (["check", "--config", "a"], ["--config", "a", "check"]),
        (["leads", "show", "--config=a", "x"], ["--config=a", "leads", "show", "x"]),
        (["--config", "a", "check"], ["--config", "a", "check"]),
        (["leads", "list", "--", "--config", "a"], ["leads", "list", "--", "--config", "a"]),
        (["check", "--config"], ["--config", "check"]),
    ],
)
def test_config_is_taken_wherever_it_stands(given: list[str], moved: list[str]) -> None:
    assert config_first(given) == moved


def test_config_may_stand_before_the_command(line: Line) -> None:
    result = CliRunner().invoke(program, ["--config", str(line.config), "check"], obj=Means(environment={}))
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize(
    "arguments", [["nothing"], ["run", "--roles", "cook"], ["leads", "show"], ["demo", "--port", "x"]]
)
def test_bad_usage_ends_with_2(arguments: list[str], line: Line) -> None:
    result = line(*arguments)
    assert result.exit_code == 2
    assert result.stderr
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError("the file is wrong"), 2),
        (StoreRefused("another process has it"), 2),
        (LeadwireError("it went wrong"), 1),
        (PermissionError(13, "Permission denied", "/a/file"), 1),
    ],
)
def test_an_error_is_one_message_and_an_exit_code(error: Exception, code: int, line: Line) -> None:
    def refuse(*_: object) -> int:
        raise error

    line.with_means(run=refuse)
    result = line("run")
    assert result.exit_code == code
    assert result.stdout == ""
    assert result.stderr.strip() in (str(error), "/a/file: Permission denied")


def test_a_wrong_config_ends_with_2_and_names_everything(line: Line) -> None:
    line.write("[server]\nprot = 1\n[store]\nurl = 3\n")
    result = line("status")
    assert result.exit_code == 2
    assert result.stderr.splitlines()[0] == 'leadwire.toml: server.prot: there is no such setting; did you mean "port"?'
    assert len(result.stderr.splitlines()) == 2


def test_run_passes_its_roles_and_its_exit_code_on(line: Line) -> None:
    seen: list[frozenset[str]] = []

    def run(_config: Config, roles: frozenset[str]) -> int:
        seen.append(roles)
        return 7

    line.with_means(run=run)
    assert line("run", "--roles", "web, poll").exit_code == 7
    assert line("run").exit_code == 7
    assert seen == [frozenset({"web", "poll"}), frozenset({"web", "engine", "poll"})]


def test_demo_passes_its_options_on(line: Line) -> None:
    seen: list[tuple[float | None, bool, int]] = []

    def demo(seconds: float | None, as_json: bool, port: int) -> int:
        seen.append((seconds, as_json, port))
        return 0

    line.with_means(demo=demo)
    assert line("demo", "--seconds", "20", "--json", "--port", "0").exit_code == 0
    assert line("demo").exit_code == 0
    assert seen == [(20.0, True, 0), (None, False, 8080)]


def test_the_code_of_a_command_line_is_answered(line: Line) -> None:
    assert call(["check", "--config", str(line.config)], Means(environment={})) == 0
    assert call(["check", "--config", str(line.folder / "gone.toml")], Means(environment={})) == 2


def test_an_unforeseen_failure_is_one_line_without_a_traceback(tmp_path: Path) -> None:
    bad = tmp_path / "own" / "bad"
    bad.mkdir(parents=True)
    (bad / "__init__.py").write_text("raise RuntimeError('no one foresaw me')\n", encoding="utf-8")
    config = tmp_path / "leadwire.toml"
    config.write_text('[server]\nconnectors = "own"\n[sources.a]\ntype = "bad"\n', encoding="utf-8")
    ended = subprocess.run(
        [sys.executable, "-c", "from leadwire.cli import main; main()", "check", "--config", str(config)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
    assert "RuntimeError at leadwire.connectors.bad:1" in ended.stderr


def test_a_light_command_loads_no_heavy_library() -> None:
    heavy = ("litestar", "aiohttp", "rich", "phonenumbers", "apsw", "jinja2", "argon2")
    program_text = (
        "import sys\n"
        "from leadwire.cli.program import call\n"
        "from leadwire.cli.means import Means\n"
        "assert call(['token', 'create', '--help'], Means(environment={})) == 0\n"
        f"print([name for name in {heavy!r} if name in sys.modules])\n"
    )
    ended = subprocess.run([sys.executable, "-c", program_text], capture_output=True, text=True, check=True)
    assert ended.stdout.splitlines()[-1] == "[]"
