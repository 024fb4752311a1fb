"""One client connection of a simulator: reads requests, lets the world answer, and breaks where the answer says so."""

import asyncio
import socket
import struct
from collections import deque
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import cast

import httptools

from leadwire.model.times import MILLISECOND, SECOND, Instant
from leadwire.simulators.control import PREFIX, Simulated, control
from leadwire.simulators.exchange import FrameStream, WorldAnswer, WorldRequest

BODY_BYTES_MAX = 128 * 1024 * 1024
_STREAM_POLL: Instant = 20 * MILLISECOND
_REASONS = {status.value: status.phrase for status in HTTPStatus}
_NO_BODY = frozenset({204, 304})


class Connection(asyncio.Protocol):
    """Answers the requests of one connection in their order, one at a time."""

    def __init__(self, world: Simulated, clock: Callable[[], Instant], registry: set["Connection"]) -> None:
        self._world = world
        self._clock = clock
        self._registry = registry
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._stream: FrameStream | None = None
        self._waiting: deque[tuple[WorldRequest, bool]] = deque()
        self._is_busy = False
        self._url = b""
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self._body_bytes = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the event loop for a new connection."""
        # uvloop's transports have the methods of asyncio.Transport without being one.
        self._transport = cast("asyncio.Transport", transport)
        self._registry.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the event loop once the connection is gone."""
        del exc
        self._registry.discard(self)
        self._transport = None
        if self._timer is not None:
            self._timer.cancel()
        if self._stream is not None:
            self._stream.close()

    def cut(self) -> None:
        """Drop the connection at once, sending nothing more."""
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Called by the event loop with what the client sent."""
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._refuse(400)

    def on_message_begin(self) -> None:
        """Called by the parser at the start of a request."""
        self._url = b""
        self._headers = {}
        self._body = []
        self._body_bytes = 0

    def on_url(self, url: bytes) -> None:
        """Called by the parser with a part of the target."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Called by the parser for each header."""
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """Called by the parser before the body."""
        if self._headers.get("expect", "").lower() == "100-continue" and self._transport is not None:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        """Called by the parser with a part of the body."""
        self._body_bytes += len(body)
        if self._body_bytes > BODY_BYTES_MAX:
            self._refuse(413)
            return
        self._body.append(body)

    def on_message_complete(self) -> None:
        """Called by the parser once a request is whole."""
        path, _, query = self._url.decode("latin-1").partition("?")
        request = WorldRequest(
            method=self._parser.get_method().decode("ascii"),
            path=path,
            query=query,
            headers=self._headers,
            body=b"".join(self._body),
        )
        self._waiting.append((request, self._parser.should_keep_alive()))
        if not self._is_busy:
            self._answer_next()

    def _refuse(self, status: int) -> None:
        if self._transport is not None:
            self._transport.write(_head(WorldAnswer(status=status), keep_alive=False, length=0))
            self._transport.close()

    def _answer_next(self) -> None:
        while self._waiting and not self._is_busy and self._transport is not None:
            request, keep_alive = self._waiting.popleft()
            is_control = request.path.startswith(PREFIX)
            answer = control(self._world, request) if is_control else self._world.handle(request, self._clock())
            self._is_busy = True
            if answer.delay_us > 0:
                self._later(answer.delay_us, partial(self._send_late, request, answer, keep_alive))
            else:
                self._send(request, answer, keep_alive)

    def _later(self, delay_us: Instant, step: Callable[[], None]) -> None:
        self._timer = asyncio.get_running_loop().call_later(delay_us / SECOND, step)

    def _send_late(self, request: WorldRequest, answer: WorldAnswer, keep_alive: bool) -> None:
        self._send(request, answer, keep_alive)
        self._answer_next()

    def _send(self, request: WorldRequest, answer: WorldAnswer, keep_alive: bool) -> None:
        transport = self._transport
        if transport is None:
            return
        if answer.fault == "reset":
            self._reset(transport)
        elif answer.fault == "lost_reply":
            self.cut()
        elif answer.fault == "hang":
            return
        elif answer.stream is not None:
            self._stream = answer.stream
            transport.write(_head(answer, keep_alive=False, length=None))
            self._pump(answer.stream)
        elif answer.drip_us > 0:
            transport.write(_head(answer, keep_alive=keep_alive, length=len(answer.body)))
            self._drip(answer, 0, keep_alive)
        else:
            has_body = request.method != "HEAD" and answer.status not in _NO_BODY
            head = _head(answer, keep_alive=keep_alive, length=len(answer.body))
            transport.write(head + answer.body if has_body else head)
            self._finish(keep_alive)

    def _reset(self, transport: asyncio.Transport) -> None:
        # A zero linger time makes the close a TCP reset instead of an orderly end.
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()

    def _finish(self, keep_alive: bool) -> None:
        self._is_busy = False
        if not keep_alive and self._transport is not None:
            self._transport.close()

    def _drip(self, answer: WorldAnswer, sent: int, keep_alive: bool) -> None:
        if self._transport is None:
            return
        if sent == len(answer.body):
            self._finish(keep_alive)
            self._answer_next()
            return
        self._transport.write(answer.body[sent : sent + 1])
        self._later(answer.drip_us, partial(self._drip, answer, sent + 1, keep_alive))

    def _pump(self, stream: FrameStream) -> None:
        if self._transport is None:
            return
        frames = stream.frames(self._clock())
        if frames:
            self._transport.write(b"%x\r\n%b\r\n" % (len(frames), frames))
        if stream.is_closed:
            self._transport.close()
        else:
            self._later(_STREAM_POLL, partial(self._pump, stream))


def _head(answer: WorldAnswer, *, keep_alive: bool, length: int | None) -> bytes:
    lines = [f"HTTP/1.1 {answer.status} {_REASONS.get(answer.status, 'Unknown')}"]
    lines.extend(f"{name}: {value}" for name, value in answer.headers.items())
    if length is None:
        lines.append("transfer-encoding: chunked")
    elif answer.status not in _NO_BODY:
        lines.append(f"content-length: {length}")
    if not keep_alive:
        lines.append("connection: close")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
