"""Command lines run in this process, with a fake API behind them."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
from typer.testing import CliRunner, Result

from leadwire.cli.means import Api, Means
from leadwire.cli.program import program
from leadwire.config import Config


class FakeApi:
    """Answers from a table of (method, path with query) and remembers what was asked."""

    def __init__(self) -> None:
        self.answers: dict[tuple[str, str], tuple[int, Any]] = {}
        self.asked: list[tuple[str, str, Any]] = []
        self.opened: list[Config] = []

    def says(self, method: str, path: str, body: Any, status: int = 200) -> None:
        self.answers[method, path] = (status, body)

    async def request(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        self.asked.append((method, path, body))
        return self.answers.get(
            (method, path), (404, {"title": "Not Found", "detail": f"no {path} here", "status": 404})
        )

    @asynccontextmanager
    async def open(self, config: Config) -> AsyncIterator[Api]:
        self.opened.append(config)
        yield self


class Line:
    """Command lines run against one folder; `toml` is the configuration in it."""

    def __init__(self, folder: Path, api: FakeApi) -> None:
        self.folder = folder
        self.config = folder / "leadwire.toml"
        self.api = api
        self.means = Means(environment={}, open_in_process=api.open, is_terminal=lambda: False)

    def write(self, toml: str) -> None:
        self.config.write_text(toml, encoding="utf-8")

    def with_means(self, **changes: Any) -> None:
        self.means = msgspec.structs.replace(self.means, **changes)

    def __call__(self, *arguments: str, typed: str = "", environment: Mapping[str, str] | None = None) -> Result:
        if environment is not None:
            self.with_means(environment=environment)
        return CliRunner().invoke(program, [*arguments, "--config", str(self.config)], input=typed, obj=self.means)

    def json(self, *arguments: str) -> Any:
        """The JSON that a command prints; it must end well."""
        result = self(*arguments, "--json")
        assert result.exit_code == 0, result.output
        return msgspec.json.decode(result.stdout)
