"""How a command speaks with leadwire: with the server that runs, or with the same API in its own process where none runs."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import typer

from leadwire.cli.means import Api, Means, config_path, means_of
from leadwire.config import load, load_place
from leadwire.model.errors import LeadwireError

PAGE = 200
_T = TypeVar("_T")


class Refused(LeadwireError):
    """The API refused this."""


class Caller:
    """The API as a command uses it: a refusal is an error with the API's own words."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def get(self, path: str, **query: object) -> Any:
        """The answer; options that are None are left out."""
        return await self._ask("GET", with_query(path, query))

    async def post(self, path: str, body: object = None) -> Any:
        """The answer to a POST."""
        return await self._ask("POST", path, {} if body is None else body)

    async def delete(self, path: str) -> Any:
        """The answer to a DELETE."""
        return await self._ask("DELETE", path)

    async def items(self, path: str, limit: int | None = None, **query: object) -> AsyncIterator[Any]:
        """Every item of a list, page after page; at most `limit` of them."""
        after: str | None = None
        left = limit
        while left is None or left > 0:
            page = await self.get(path, **query, limit=PAGE if left is None else min(left, PAGE), after=after)
            for item in page["items"]:
                yield item
            left = None if left is None else left - len(page["items"])
            after = page.get("next")
            if not after or not page["items"]:
                return

    async def _ask(self, method: str, path: str, body: object = None) -> Any:
        status, answer = await self._api.request(method, path, body)
        if status >= 400:
            raise Refused(_words(status, answer))
        return answer


def part(text: str) -> str:
    """A text as one part of a path."""
    return quote(text, safe="")


def with_query(path: str, query: dict[str, object]) -> str:
    """The path with its options behind it; those that are None are left out."""
    given: Iterable[tuple[str, object]] = [(name, value) for name, value in query.items() if value is not None]
    pairs = urlencode([(name, str(value).lower() if isinstance(value, bool) else value) for name, value in given])
    return f"{path}?{pairs}" if pairs else path


def _words(status: int, answer: Any) -> str:
    if isinstance(answer, dict):
        words = [str(answer[name]).rstrip(".") for name in ("title", "detail") if answer.get(name)]
        if words:
            return f"{': '.join(dict.fromkeys(words))} ({status})"
    return f"leadwire answered {status}"


def call(context: typer.Context, work: Callable[[Caller], Awaitable[_T]]) -> _T:
    """Does the work against this configuration's leadwire. Raises ConfigError, StoreRefused or Refused."""
    path, means = config_path(context), means_of(context)

    async def whole() -> _T:
        async with reach(path, means) as api:
            return await work(Caller(api))

    return asyncio.run(whole())


@asynccontextmanager
async def reach(path: Path, means: Means) -> AsyncIterator[Api]:
    """The API of the server that runs, else of this process. The whole configuration is read for the latter only.

    The libraries behind either are heavy, so each is loaded where it is used.
    """
    ledger = load_place(path, means.environment).store.file
    server = None
    if ledger is not None:
        from leadwire.store.sqlite.lock import read_announcement

        server = read_announcement(ledger)
    if server is not None and server.url is not None:
        from leadwire.cli.http_api import HttpApi

        async with HttpApi(server.url, server.key or "") as api:
            yield api
    else:
        async with means.open_in_process(load(path, means.environment)) as own:
            yield own
