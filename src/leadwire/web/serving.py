"""Serving ASGI with deadlines of our own: uvicorn bounds neither a slow header nor a slow body nor a slow reader."""

import asyncio
import contextlib
import re
import resource
import socket
import struct
from collections.abc import Iterator
from typing import Any, Final, Literal, NoReturn, cast

import uvicorn
from msgspec import structs
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from leadwire.web.limits import DoorLimits
from leadwire.web.problem import CONTENT_TYPE, encode, problem

_SPARE_FILES: Final = 256
_LINGER_S: Final = 1.0
_RESET: Final = struct.pack("ii", 1, 0)
_HOST: Final = re.compile(rb"[A-Za-z0-9._~!$&'()*+,;=%:\[\]-]*")


class _Connections:
    """Who is connected. At the cap the connection that has been without a request for longest makes room."""

    def __init__(self, limits: DoorLimits) -> None:
        self.limits = limits
        self.closed_for_room = 0
        self._idle: dict[DeadlineProtocol, None] = {}
        self.open = 0
        self._by_peer: dict[str, int] = {}

    def admit(self, connection: "DeadlineProtocol", peer: str) -> bool:
        """Counts a new connection; False where its peer has too many."""
        self.open += 1
        held = self._by_peer.get(peer, 0) + 1
        self._by_peer[peer] = held
        self._idle[connection] = None
        if held > self.limits.connections_per_peer_max and not _is_loopback(peer):
            return False
        if self.open > self.limits.connections_max:
            self.closed_for_room += 1
            oldest = next(iter(self._idle))
            del self._idle[oldest]
            oldest.close_now()
        return True

    def leave(self, connection: "DeadlineProtocol", peer: str) -> None:
        self.open -= 1
        self._idle.pop(connection, None)
        held = self._by_peer.get(peer, 1) - 1
        if held:
            self._by_peer[peer] = held
        else:
            self._by_peer.pop(peer, None)

    def is_busy(self, connection: "DeadlineProtocol") -> None:
        self._idle.pop(connection, None)

    def is_idle(self, connection: "DeadlineProtocol") -> None:
        self._idle[connection] = None


def _is_loopback(peer: str) -> bool:
    return peer.startswith("127.") or peer in ("", "::1", "::ffff:127.0.0.1")


class _Config(uvicorn.Config):
    """uvicorn's configuration and the connections that its protocols share."""

    def __init__(self, app: Any, connections: _Connections, **settings: Any) -> None:
        super().__init__(app, **settings)
        self.connections = connections


class DeadlineProtocol(HttpToolsProtocol):
    """uvicorn's protocol with a deadline on every wait for the client.

    A header or a body that is not whole in time is answered 408 and the connection closed; an answer that the client
    does not take ends in a reset. A request that arrives whole, the usual case, arms no timer. A header that is too
    large, lacks its Host or is no HTTP is answered with a problem document, and the connection closed.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        assert isinstance(config, _Config)
        self._connections = config.connections
        self._limits = config.connections.limits
        self._read_timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None
        self._expected: Literal["", "header", "body"] = ""
        self._rejection: tuple[str, str] | None = None
        self._peer = ""
        self._is_refused = False
        self._in_header = False
        self._in_body = False
        self._has_cycle = False
        self._progress = 0
        self._fed_bytes = 0
        self._header_bytes = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(cast("asyncio.Transport", transport))
        self._peer = self.client[0] if self.client else ""
        if self._connections.admit(self, self._peer):
            self._expect("header", self._limits.header_deadline_s)
        else:
            self._refuse("too-many-requests", "Too many connections come from this address.")

    def connection_lost(self, exc: Exception | None) -> None:
        self._expect_nothing()
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None
        self._unset_keepalive_if_required()
        self._connections.leave(self, self._peer)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_over():
            return
        progress = self._progress
        self._fed_bytes = len(data)
        super().data_received(data)
        if self._is_over():
            return
        if self._in_body:
            self._expect("body", self._limits.body_deadline_s)
        elif self._in_header or progress == self._progress:
            self._header_bytes += len(data)
            if self._header_bytes > self._limits.headers_bytes_max:
                self._refuse("headers-too-large", "The request header is too large.")
            else:
                self._expect("header", self._limits.header_deadline_s)
        else:
            self._expect_nothing()
            if self.timeout_keep_alive_task is None and self.cycle.response_complete:
                self.timeout_keep_alive_task = self.loop.call_later(
                    self.timeout_keep_alive, self.timeout_keep_alive_handler
                )

    def on_message_begin(self) -> None:
        self._in_header = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._progress += 1
        self._in_header = False
        self._in_body = True
        header_bytes, self._header_bytes = self._header_bytes + self._fed_bytes, 0
        if header_bytes > self._limits.headers_bytes_max:
            exact = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
            if exact > self._limits.headers_bytes_max:
                self._reject("headers-too-large", "The request header is too large.")
        hosts = [value for name, value in self.headers if name == b"host"]
        if len(hosts) != 1 and not (not hosts and self.parser.get_http_version() == "1.0"):
            self._reject("bad-request", "A request names its Host exactly once.")
        if self.url[:1] != b"/" or (hosts and _HOST.fullmatch(hosts[0]) is None):
            self._reject("bad-request", "The request's target is a path, and its Host a host.")
        super().on_headers_complete()
        self._has_cycle = True

    def on_message_complete(self) -> None:
        self._progress += 1
        self._in_body = False
        if not self.cycle.response_complete:
            self._connections.is_busy(self)
        super().on_message_complete()

    def on_response_complete(self) -> None:
        self._connections.is_idle(self)
        super().on_response_complete()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_writing(self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None

    def send_400_response(self, msg: str) -> None:
        slug, detail = self._rejection or ("bad-request", msg)
        self._refuse(slug, detail)

    def close_now(self) -> None:
        """Drops the connection, whatever it waits for."""
        self.transport.abort()

    def _reject(self, slug: str, detail: str) -> NoReturn:
        """Ends parsing from inside a parser callback; send_400_response follows."""
        self._rejection = (slug, detail)
        raise ValueError(slug)

    def _expect(self, what: Literal["header", "body"], within_s: float) -> None:
        """Starts the deadline for a part of the request, unless it runs already."""
        if self._expected != what:
            self._expect_nothing()
            self._expected = what
            self._read_timer = self.loop.call_later(within_s, self._read_deadline_passed)

    def _expect_nothing(self) -> None:
        if self._read_timer is not None:
            self._read_timer.cancel()
            self._read_timer = None
            self._expected = ""

    def _read_deadline_passed(self) -> None:
        self._read_timer = None
        what, self._expected = self._expected, ""
        if what == "header" and self._is_answering():
            self._expect("header", self._limits.header_deadline_s)
            return
        self._refuse("too-slow", f"The request's {what} did not come in time.")

    def _is_over(self) -> bool:
        return self._is_refused or self.transport.is_closing()

    def _is_answering(self) -> bool:
        return self._has_cycle and not self.cycle.response_complete

    def _refuse(self, slug: str, detail: str) -> None:
        """Answers with a problem where no answer has begun, and closes.

        What still comes in is read and dropped for a moment: closing over unread bytes would reset the connection, and
        the client would never see the answer.
        """
        if self._is_over():
            return
        self._is_refused = True
        if self._in_body and self._is_answering() and not self.cycle.response_started:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self._is_answering() and not self.cycle.disconnected:
            self.transport.close()
            return
        self.transport.write(_answer(slug, detail))
        self._expect_nothing()
        self._read_timer = self.loop.call_later(_LINGER_S, self.transport.close)
        try:
            self.transport.write_eof()
        except OSError:  # the client has gone already
            self.transport.abort()

    def _watch_writing(self, buffered_bytes: int) -> None:
        self._write_timer = self.loop.call_later(self._limits.write_deadline_s, self._check_writing, buffered_bytes)

    def _check_writing(self, buffered_bytes: int) -> None:
        left = self.transport.get_write_buffer_size()
        if left < buffered_bytes:
            self._watch_writing(left)
            return
        # Without this the kernel would go on holding the unread answer for a reader that never takes it.
        self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.transport.abort()


def _answer(slug: str, detail: str) -> bytes:
    document = problem(slug, detail)
    body = encode(document)
    head = (
        f"HTTP/1.1 {document.status} {document.title}\r\ncontent-type: {CONTENT_TYPE}\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    return head.encode("ascii") + body


class _Uvicorn(uvicorn.Server):
    """uvicorn's server without its own signal handlers and without its ten looks per second."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_up = asyncio.Event()
        self.stop_asked = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.server_state.default_headers = self.config.encoded_headers
        self.is_up.set()

    async def main_loop(self) -> None:
        await self.stop_asked.wait()


class WebServer:
    """Serves one ASGI application. Signals are not touched: whoever started it stops it.

    Raises the process's soft limit of open files where that is needed for `connections_max`.
    """

    def __init__(self, app: Any, host: str, port: int, limits: DoorLimits | None = None) -> None:
        limits = limits or DoorLimits()
        room = _open_files(limits.connections_max + _SPARE_FILES) - _SPARE_FILES
        self._limits = structs.replace(limits, connections_max=max(1, min(limits.connections_max, room)))
        self._connections = _Connections(self._limits)
        self._app = app
        self._address = (host, port)
        self._server: _Uvicorn | None = None
        self._task: asyncio.Task[None] | None = None
        self.port = port

    @property
    def connections_open(self) -> int:
        """How many connections are open now."""
        return self._connections.open

    async def start(self) -> None:
        """Binds and returns when connections are taken; `port` is then the bound one. Raises OSError."""
        listener = _listener(*self._address)
        self.port = listener.getsockname()[1]
        config = _Config(
            self._app,
            self._connections,
            http=DeadlineProtocol,
            ws="none",
            lifespan="auto",
            log_config=None,
            log_level="error",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=self._limits.keep_alive_s,
            timeout_graceful_shutdown=self._limits.stop_s,
        )
        self._server = _Uvicorn(config)
        self._task = asyncio.create_task(self._server.serve([listener]), name="web server")
        up = asyncio.create_task(self._server.is_up.wait())
        await asyncio.wait((self._task, up), return_when=asyncio.FIRST_COMPLETED)
        if self._task.done():
            up.cancel()
            listener.close()
            await self._task

    async def stopped(self) -> None:
        """Returns when the server has ended; raises what ended it where that was an error."""
        if self._task is not None:
            await asyncio.shield(self._task)

    async def stop(self) -> None:
        """Takes no more connections, lets requests under way finish for `stop_s`, then cuts them off."""
        if self._server is None or self._task is None:
            return
        self._server.stop_asked.set()
        await asyncio.wait((self._task,), timeout=self._limits.stop_s + 1.0)
        if not self._task.done():
            self._task.cancel()
            await asyncio.wait((self._task,))


def _listener(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError:
        listener.close()
        raise
    return listener


def _open_files(wanted: int) -> int:
    """How many files may be open, after the soft limit was raised as far as it is wanted and allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return wanted
    raised = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
    return raised
