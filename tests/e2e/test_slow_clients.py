"""Hundreds of clients that dawdle in every way, and honest ones among them that must not notice.

The deadlines are those of the settings, made short; LEADWIRE_SLOW_CLIENTS chooses another number of dawdlers.
"""

import asyncio
import contextlib
import hashlib
import hmac
import os
import socket
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any, Literal

import pytest

from leadwire.engine.clock import SystemClock
from leadwire.engine.refusals import Refusals
from leadwire.model.errors import SignatureInvalid
from leadwire.model.event import NewEvent, RawRequest
from leadwire.sdk import Parsed
from leadwire.web.doors import Doors
from leadwire.web.limits import DoorLimits
from leadwire.web.serving import WebServer

COUNT = int(os.environ.get("LEADWIRE_SLOW_CLIENTS", "400"))
DEADLINE_S = max(1.0, COUNT / 400)  # one loop plays both sides
SLACK_S = 3.0
LIMITS = DoorLimits(
    header_deadline_s=DEADLINE_S,
    body_deadline_s=DEADLINE_S,
    write_deadline_s=DEADLINE_S,
    keep_alive_s=DEADLINE_S,
    stop_s=1,
)
HEAD = b"POST /webhooks/site HTTP/1.1\r\nhost: x\r\n"


class Signed:
    def verify(self, request: RawRequest) -> None:
        right = hmac.new(b"secret", request.body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(right, request.header("x-signature") or ""):
            raise SignatureInvalid

    def parse(self, request: RawRequest) -> Iterable[Parsed]:
        return ()


class Forgetful:
    async def accept(self, event: NewEvent) -> Literal["stored", "duplicate"]:
        return "stored"


async def a_page(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "http":
        body = b"x" * (8_000_000 if scope["path"] == "/large" else 2)
        headers = [(b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


@pytest.fixture
async def server() -> AsyncIterator[WebServer]:
    doors = Doors({"site": Signed()}, Forgetful(), Refusals(), SystemClock(), LIMITS, a_page)
    server = WebServer(doors, "127.0.0.1", 0, LIMITS)
    await server.start()
    yield server
    await server.stop()


Drip = Callable[[int], bytes]
WAYS: dict[str, tuple[bytes, Drip]] = {
    "silent": (b"", lambda _: b""),
    "dripping header": (HEAD + b"x-a: ", lambda _: b"y"),
    "header lines": (HEAD, lambda turn: b"x-%d: y\r\n" % turn),
    "dripping body": (HEAD + b"content-length: 5000\r\n\r\n", lambda _: b"z"),
    "dripping chunks": (HEAD + b"transfer-encoding: chunked\r\n\r\n", lambda _: b"1\r\nz\r\n"),
    "body never begun": (HEAD + b"content-length: 5000\r\n\r\n", lambda _: b""),
    "kept and idle": (b"GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n", lambda _: b""),
}


async def moment(seconds: float) -> None:
    """Between two looks."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await asyncio.Event().wait()


async def dawdle(port: int, way: str) -> float:
    """Seconds until the server ended it."""
    first, drip = WAYS[way]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    loop = asyncio.get_running_loop()
    began = loop.time()
    ended = asyncio.ensure_future(_read_to_the_end(reader))
    try:
        writer.write(first)
        turn = 0
        while not ended.done():
            turn += 1
            writer.write(drip(turn))
            await asyncio.wait([ended], timeout=DEADLINE_S / 8)
        return loop.time() - began
    finally:
        writer.transport.abort()


async def _read_to_the_end(reader: asyncio.StreamReader) -> None:
    try:
        while await reader.read(1_000_000):
            pass
    except ConnectionError:
        return


async def never_read(port: int) -> float:
    """Asks for a large page and takes nothing of it; seconds until the server reset the connection."""
    loop = asyncio.get_running_loop()
    with socket.socket() as opened:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        opened.setblocking(False)
        await loop.sock_connect(opened, ("127.0.0.1", port))
        began = loop.time()
        await loop.sock_sendall(opened, b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n")
        while opened.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:
            await moment(DEADLINE_S / 8)
        return loop.time() - began


async def honest(port: int, until: "asyncio.Future[Any]") -> list[float]:
    """Signed pushes, one after the other, each on a connection of its own; the seconds that each took."""
    took: list[float] = []
    loop = asyncio.get_running_loop()
    body = b'{"name":"honest"}'
    signature = hmac.new(b"secret", body, hashlib.sha256).hexdigest().encode()
    push = HEAD + b"x-signature: %b\r\ncontent-length: %d\r\n\r\n%b" % (signature, len(body), body)
    while not until.done():
        began = loop.time()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(push)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        took.append(loop.time() - began)
        writer.close()
        await asyncio.wait([until], timeout=0.02)
    return took


async def test_dawdlers_are_ended_in_time_and_honest_clients_do_not_notice(
    server: WebServer, capsys: pytest.CaptureFixture[str]
) -> None:
    ways = [list(WAYS)[number % len(WAYS)] for number in range(COUNT)]
    slow = asyncio.gather(*[dawdle(server.port, way) for way in ways], *[never_read(server.port) for _ in range(5)])
    took = await honest(server.port, slow)
    ended = await slow
    p99 = sorted(took)[int(len(took) * 0.99)]
    with capsys.disabled():
        print(
            f"\n{COUNT} dawdlers ended after at most {max(ended):.2f} s; {len(took)} honest pushes, p99 {p99 * 1e3:.0f} ms"
        )
    assert max(ended) < DEADLINE_S + SLACK_S
    assert len(took) > 3
    assert p99 < 1.0


async def test_after_the_dawdlers_no_connection_is_left(server: WebServer) -> None:
    await asyncio.gather(*[dawdle(server.port, way) for way in WAYS])
    async with asyncio.timeout(SLACK_S):
        while server.connections_open:
            await moment(0.02)
