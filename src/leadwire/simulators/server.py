"""Serves a world on a real loopback socket, faults of the transport included.

A protocol of its own, because no ASGI server lets an application reset a connection or stay silent on it.
"""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Self

from leadwire.model.times import Instant
from leadwire.simulators.connection import Connection
from leadwire.simulators.control import Simulated


class SimulatorServer:
    """An async context manager: the socket listens inside it and every connection is gone after it.

    `port` 0 takes a free one; `url` tells which. `clock` gives the time of every request.
    """

    def __init__(
        self, world: Simulated, clock: Callable[[], Instant], *, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        self._world = world
        self._clock = clock
        self._host = host
        self._port = port
        self._listener: asyncio.Server | None = None
        self._connections: set[Connection] = set()

    @property
    def port(self) -> int:
        """The port that listens; 0 before the start when any was allowed."""
        return self._port

    @property
    def url(self) -> str:
        """The base URL, without a slash at the end."""
        return f"http://{self._host}:{self._port}"

    async def start(self) -> None:
        """Listen; raises OSError when the port is taken."""
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(self._connect, self._host, self._port, backlog=1024)
        self._port = self._listener.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close the listener and cut every connection."""
        if self._listener is None:
            return
        self._listener.close()
        for connection in list(self._connections):
            connection.cut()
        await self._listener.wait_closed()
        self._listener = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def _connect(self) -> Connection:
        return Connection(self._world, self._clock, self._connections)
