"""What the tests of connectors share: an HTTP that answers as scripted, and tools with a clock that tests move."""

from collections.abc import Callable

import pytest

from leadwire.sdk import HttpAnswer, HttpRequest, Tools, seconds

NOW = 1_772_000_000_000_000


class ScriptedHttp:
    """An `Http` whose answers a test gives, one per request or computed from it; an exception is raised."""

    def __init__(self) -> None:
        self.requests: list[HttpRequest] = []
        self.script: list[HttpAnswer | Exception] = []
        self.answer: Callable[[HttpRequest], HttpAnswer] | None = None

    async def send(self, request: HttpRequest) -> HttpAnswer:
        self.requests.append(request)
        if self.answer is not None:
            return self.answer(request)
        outcome = self.script.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


class Bench:
    """The tools of a connector under test. `now` moves by `advance` only."""

    def __init__(self) -> None:
        self.http = ScriptedHttp()
        self.now = NOW

    def advance(self, duration_s: float) -> None:
        self.now += seconds(duration_s)

    def tools(self, region: str | None = "IN") -> Tools:
        return Tools(name="under_test", http=self.http, now=lambda: self.now, region=region)


@pytest.fixture
def bench() -> Bench:
    return Bench()
