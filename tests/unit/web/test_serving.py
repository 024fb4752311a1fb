"""The server's own deadlines and limits, seen from a raw socket. Waiting ends by what is observed, never by a pause."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from leadwire.web.limits import DoorLimits
from leadwire.web.serving import WebServer

LIMITS = DoorLimits(
    header_deadline_s=0.2,
    body_deadline_s=0.2,
    write_deadline_s=0.2,
    keep_alive_s=0.3,
    headers_bytes_max=4096,
    stop_s=0.4,
)
GET = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"


class Application:
    """Answers "ok" with the body's length; /big sends 8 MB, /slow waits for `go`, /early answers before the body."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.began = asyncio.Event()
        self.seen: list[str] = []
        self.ends: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            return await self._live(receive, send)
        self.seen.append(scope["path"])
        if scope["path"] == "/early":
            return await self._send(send, b"early")
        body = b""
        message = {"more_body": True}
        while message.get("more_body"):
            message = await receive()
            if message["type"] == "http.disconnect":
                self.ends.append("gone")
                return None
            body += message["body"]
        if scope["path"] == "/slow":
            self.began.set()
            await self.go.wait()
        await self._send(send, b"x" * 8_000_000 if scope["path"] == "/big" else b"ok %d" % len(body))
        self.ends.append("answered")
        return None

    async def _live(self, receive: Any, send: Any) -> None:
        while (message := await receive())["type"] != "lifespan.shutdown":
            await send({"type": message["type"] + ".complete"})
        self.ends.append("shut down")
        await send({"type": "lifespan.shutdown.complete"})

    async def _send(self, send: Any, body: bytes) -> None:
        headers = [(b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


OPENED: list[asyncio.StreamWriter] = []

Start = Callable[[DoorLimits], Awaitable[WebServer]]


@pytest.fixture
def application() -> Application:
    return Application()


@pytest.fixture
async def start(application: Application) -> AsyncIterator[Start]:
    servers: list[WebServer] = []

    async def started(limits: DoorLimits) -> WebServer:
        server = WebServer(application, "127.0.0.1", 0, limits)
        await server.start()
        servers.append(server)
        return server

    yield started
    while OPENED:
        OPENED.pop().close()
    for server in servers:
        await server.stop()


async def connect(server: WebServer, first: bytes = b"") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    OPENED.append(writer)
    writer.write(first)
    return reader, writer


async def moment() -> None:
    """Between two looks."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.02):
            await asyncio.Event().wait()


async def exchange(server: WebServer, sent: bytes) -> bytes:
    """All that comes back until the server closes."""
    reader, _ = await connect(server, sent)
    return await reader.read()


async def answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    return int(head[9:12]), await reader.readexactly(length)


def slug(received: bytes) -> tuple[int, str]:
    head, _, body = received.partition(b"\r\n\r\n")
    assert b"application/problem+json" in head
    assert b"connection: close" in head
    document = json.loads(body)
    assert document["status"] == int(head[9:12])
    return document["status"], document["type"].removeprefix("urn:leadwire:problem:")


@pytest.mark.parametrize(
    "sent",
    [b"", b"G", b"POST /webhooks/x HTTP/1.1\r\nhost: x\r\nx-a: b", b"\r\n\r\n", b"GET / HTTP/1.1\r\nhost: x\r\n\r"],
    ids=["silent", "one byte", "half a header", "empty lines", "one byte short"],
)
async def test_a_header_that_is_not_whole_in_time_ends_the_connection(sent: bytes, start: Start) -> None:
    server = await start(LIMITS)
    assert slug(await exchange(server, sent)) == (408, "too-slow")


async def test_a_dripping_header_does_not_stretch_its_deadline(start: Start) -> None:
    server = await start(LIMITS)
    reader, writer = await connect(server, b"GET / HTTP/1.1\r\nhost: x\r\nx-drip: ")
    ended = asyncio.ensure_future(reader.read())
    began = asyncio.get_running_loop().time()
    while not ended.done():
        writer.write(b"x")
        await asyncio.wait([ended], timeout=0.02)
    assert slug(await ended) == (408, "too-slow")
    assert asyncio.get_running_loop().time() - began < 2


@pytest.mark.parametrize(
    "framing", [b"content-length: 100", b"transfer-encoding: chunked"], ids=["content-length", "chunked"]
)
async def test_a_dripping_body_does_not_stretch_its_deadline(
    framing: bytes, start: Start, application: Application
) -> None:
    server = await start(LIMITS)
    reader, writer = await connect(server, b"POST / HTTP/1.1\r\nhost: x\r\n" + framing + b"\r\n\r\n")
    ended = asyncio.ensure_future(reader.read())
    while not ended.done():
        writer.write(b"x" if b"length" in framing else b"1\r\nx\r\n")
        await asyncio.wait([ended], timeout=0.02)
    assert slug(await ended) == (408, "too-slow")
    assert application.ends == ["gone"]


async def test_after_an_early_answer_a_body_that_never_ends_is_cut_off(start: Start) -> None:
    server = await start(LIMITS)
    received = await exchange(server, b"POST /early HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nhalf")
    assert received.endswith(b"early") or b"408" in received
    assert received.startswith(b"HTTP/1.1 200 OK")


async def test_after_an_early_answer_the_late_body_leaves_the_connection_in_use(start: Start) -> None:
    server = await start(LIMITS)
    reader, writer = await connect(server, b"POST /early HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\n")
    assert await answer(reader) == (200, b"early")
    writer.write(b"body" + GET)
    assert await answer(reader) == (200, b"ok 0")
    assert await reader.read() == b""


async def test_after_an_early_answer_and_the_late_body_an_idle_connection_is_closed(start: Start) -> None:
    server = await start(LIMITS)
    reader, writer = await connect(server, b"POST /early HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\n")
    assert await answer(reader) == (200, b"early")
    writer.write(b"body")
    assert await reader.read() == b""


async def test_a_kept_connection_is_closed_when_it_was_idle_for_too_long(start: Start) -> None:
    server = await start(LIMITS)
    received = await exchange(server, GET + GET)
    assert received.count(b"200 OK") == 2


async def test_the_next_header_on_a_kept_connection_has_its_deadline_too(start: Start) -> None:
    server = await start(LIMITS)
    received = await exchange(server, GET + b"GET / HT")
    ok, _, late = received.partition(b"ok 0")
    assert ok.startswith(b"HTTP/1.1 200")
    assert slug(late) == (408, "too-slow")


async def test_a_working_request_is_never_cut_off_by_a_read_deadline(start: Start, application: Application) -> None:
    server = await start(LIMITS)
    reader, _writer = await connect(server, b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\nGET / HT")
    await application.began.wait()
    passed = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_later(3 * LIMITS.header_deadline_s, passed.set_result, None)
    await passed
    application.go.set()
    assert await answer(reader) == (200, b"ok 0")


async def test_a_reader_that_takes_nothing_is_dropped(start: Start, application: Application) -> None:
    server = await start(LIMITS)
    with socket.socket() as reader:
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        reader.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(reader, ("127.0.0.1", server.port))
        await loop.sock_sendall(reader, b"GET /big HTTP/1.1\r\nhost: x\r\n\r\n")
        while server.connections_open or not application.seen:
            await moment()
    assert application.seen == ["/big"]


async def test_a_slow_reader_that_goes_on_taking_gets_everything(start: Start) -> None:
    server = await start(LIMITS)
    reader, _writer = await connect(server, b"GET /big HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    size = 0
    while piece := await reader.read(400_000):
        size += len(piece)
        await moment()
    assert size > 8_000_000


@pytest.mark.parametrize(
    ("pieces", "end"), [(1, b"\r\n"), (40, b"\r\n"), (40, b"")], ids=["at once", "in pieces", "endless"]
)
async def test_a_header_past_its_limit_is_431(pieces: int, end: bytes, start: Start, application: Application) -> None:
    server = await start(LIMITS)
    reader, writer = await connect(server, b"GET / HTTP/1.1\r\nhost: x\r\n")
    for _ in range(pieces):
        writer.write(b"x-a: " + b"y" * (8000 // pieces) + b"\r\n")
        await writer.drain()
    writer.write(end)
    assert slug(await reader.read()) == (431, "headers-too-large")
    assert application.seen == []


async def test_a_header_beside_a_large_body_is_measured_alone(start: Start) -> None:
    server = await start(LIMITS)
    reader, _writer = await connect(
        server, b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 20000\r\n\r\n" + b"x" * 20000
    )
    assert await answer(reader) == (200, b"ok 20000")


@pytest.mark.parametrize(
    "sent",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: a/b\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: a b\r\n\r\n",
        b"GET http://evil.example/ HTTP/1.1\r\nhost: x\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nhost: x\r\n\r\n",
        b"CONNECT x:80 HTTP/1.1\r\nhost: x\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /\xff HTTP/1.1\r\nhost: x\r\n\r\n",
    ],
    ids=lambda sent: sent[:40].decode("latin-1"),
)
async def test_what_is_no_plain_request_is_400_and_reaches_nobody(
    sent: bytes, start: Start, application: Application
) -> None:
    server = await start(LIMITS)
    assert slug(await exchange(server, sent))[0] == 400
    assert application.seen == []


async def test_http_1_0_needs_no_host(start: Start) -> None:
    server = await start(LIMITS)
    assert (await exchange(server, b"GET / HTTP/1.0\r\n\r\n")).startswith(b"HTTP/1.1 200")


async def test_at_the_cap_the_connection_that_is_idle_for_longest_makes_room(start: Start) -> None:
    server = await start(DoorLimits(connections_max=3, stop_s=1))
    idle = [await connect(server) for _ in range(3)]
    for reader, writer in idle[1:]:
        writer.write(GET)
        assert (await answer(reader))[0] == 200
    reader, writer = await connect(server, GET)
    assert (await answer(reader))[0] == 200
    assert await idle[0][0].read() == b""
    idle[1][1].write(GET)
    assert (await answer(idle[1][0]))[0] == 200


async def test_a_request_under_way_never_makes_room(start: Start, application: Application) -> None:
    server = await start(DoorLimits(connections_max=1, stop_s=1))
    working, _writer = await connect(server, b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n")
    await application.began.wait()
    refused, _other = await connect(server)
    assert await refused.read() == b""
    application.go.set()
    assert (await answer(working))[0] == 200


async def test_a_taken_port_is_an_error_for_the_caller(start: Start, application: Application) -> None:
    server = await start(LIMITS)
    with pytest.raises(OSError, match="in use"):
        await WebServer(application, "127.0.0.1", server.port).start()


async def test_a_stop_lets_a_request_finish_and_takes_no_new_one(start: Start, application: Application) -> None:
    server = await start(LIMITS)
    working, _writer = await connect(server, b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n")
    _, _silent = await connect(server)
    await application.began.wait()
    stopping = asyncio.ensure_future(server.stop())
    await asyncio.wait([stopping], timeout=0.05)
    application.go.set()
    assert (await answer(working))[0] == 200
    await stopping
    await server.stopped()
    with pytest.raises(OSError, match=r"refused|Connect"):
        await connect(server)
    assert application.ends == ["answered", "shut down"]


async def test_a_stop_cuts_off_what_does_not_end_in_time(start: Start, application: Application, caplog: Any) -> None:
    server = await start(LIMITS)
    _, _writer = await connect(server, b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n")
    await application.began.wait()
    began = asyncio.get_running_loop().time()
    await server.stop()
    assert asyncio.get_running_loop().time() - began < LIMITS.stop_s + 1.5
