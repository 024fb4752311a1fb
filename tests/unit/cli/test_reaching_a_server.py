"""A command speaks with the server that runs; where none does, with the same API in its own process."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port

from leadwire.cli.caller import Caller, Refused, reach
from leadwire.cli.http_api import Unreachable
from leadwire.model.errors import ConfigError
from leadwire.store.sqlite.lock import Lock
from unit.cli.line import Line


async def _tell(request: web.Request) -> web.Response:
    if request.headers.get("Authorization") != "Bearer the key":
        return web.json_response({"title": "Unauthorized"}, status=401, content_type="application/problem+json")
    body = await request.read()
    told = {"method": request.method, "query": request.url.raw_query_string, "body": body.decode()}
    return web.json_response(told)


async def _live(_: web.Request) -> web.Response:
    return web.Response(text="ok")


async def _page(_: web.Request) -> web.Response:
    return web.Response(text="<p>", content_type="text/html", status=502)


async def _gone(_: web.Request) -> web.Response:
    return web.Response(status=204)


async def _torn(_: web.Request) -> web.Response:
    return web.Response(body=b"{", content_type="application/json")


@pytest.fixture
async def server() -> AsyncIterator[TestServer]:
    app = web.Application()
    app.router.add_get("/livez", _live)
    app.router.add_route("*", "/api/v1/echo", _tell)
    app.router.add_get("/api/v1/page", _page)
    app.router.add_get("/api/v1/gone", _gone)
    app.router.add_get("/api/v1/torn", _torn)
    running = TestServer(app, host="127.0.0.1")
    await running.start_server()
    yield running
    await running.close()


@contextmanager
def _running(line: Line, url: str | None, key: str | None = "the key") -> Iterator[None]:
    """Holds the ledger of the line as a server does."""
    lock = Lock(line.folder / "leadwire.db")
    lock.announce(url, key)
    try:
        yield
    finally:
        lock.release()


async def test_the_server_that_runs_is_asked_with_its_key(line: Line, server: TestServer) -> None:
    with _running(line, str(server.make_url("/"))):
        async with reach(line.config, line.means) as api:
            told = await Caller(api).post("/api/v1/echo", {"a": 1})
            asked = await Caller(api).get("/api/v1/echo", q="a b", none=None, yes=True)
    assert told == {"method": "POST", "query": "", "body": '{"a":1}'}
    assert asked == {"method": "GET", "query": "q=a+b&yes=true", "body": ""}
    assert line.api.opened == []


async def test_the_servers_secrets_are_not_needed_to_ask_it(line: Line, server: TestServer) -> None:
    line.write('[destinations.d]\ntype = "http"\nurl = "https://d.example"\nsecret = "${NOT_SET}"\n')
    with _running(line, str(server.make_url("/"))):
        async with reach(line.config, line.means) as api:
            assert (await api.request("GET", "/api/v1/echo"))[0] == 200
    with pytest.raises(ConfigError, match="NOT_SET"):
        async with reach(line.config, line.means):
            pass


async def test_a_refusal_is_an_error_with_its_words(line: Line, server: TestServer) -> None:
    with _running(line, str(server.make_url("/")), key="another"):
        async with reach(line.config, line.means) as api:
            with pytest.raises(Refused, match=r"^Unauthorized \(401\)$"):
                await Caller(api).get("/api/v1/echo")
            with pytest.raises(Refused, match="answered 502"):
                await Caller(api).get("/api/v1/page")
            assert await Caller(api).get("/api/v1/gone") is None
            assert await Caller(api).get("/api/v1/torn") is None


async def test_without_a_server_the_api_is_opened_here(line: Line) -> None:
    async with reach(line.config, line.means) as api:
        assert api is line.api
    assert [config.path for config in line.api.opened] == [line.config]


async def test_what_a_dead_server_left_behind_is_no_server(line: Line) -> None:
    left = {"pid": 1, "url": f"http://127.0.0.1:{unused_port()}", "key": "old"}
    (line.folder / "leadwire.db.lock").write_bytes(msgspec.json.encode(left))
    async with reach(line.config, line.means) as api:
        assert api is line.api


async def test_a_process_that_has_the_ledger_and_serves_nobody_is_left_to_the_ledger_to_refuse(line: Line) -> None:
    with _running(line, None, None):
        async with reach(line.config, line.means) as api:
            assert api is line.api


async def test_a_ledger_on_a_database_server_is_opened_here(line: Line) -> None:
    line.write('[store]\nurl = "postgresql://me@db/leads"\n')
    async with reach(line.config, line.means) as api:
        assert api is line.api


async def test_a_server_that_does_not_answer_is_an_error(line: Line) -> None:
    with _running(line, f"http://127.0.0.1:{unused_port()}"):
        async with reach(line.config, line.means) as api:
            with pytest.raises(Unreachable, match="did not answer"):
                await Caller(api).get("/api/v1/status")
