"""A server that follows a script, byte by byte, and notes what it was sent."""

import asyncio
from collections.abc import AsyncIterator

import pytest


class ScriptedServer:
    """Answers the n-th request with the n-th script entry; the last one repeats. Every request is noted whole."""

    def __init__(self) -> None:
        self.answers: list[bytes] = [b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"]
        self.requests: list[bytes] = []
        self.connections = 0
        self.closes_after_answer = False
        self.hangs = asyncio.Event()
        self.got_request = asyncio.Event()
        self.port = 0
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: list[asyncio.StreamWriter] = []

    async def start(self) -> None:
        self.hangs.set()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self.hangs.set()
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in self._writers:
            writer.transport.abort()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?token=s3cret"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.append(writer)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
                )
                self.requests.append(head + await reader.readexactly(length))
                self.got_request.set()
                await self.hangs.wait()
                answer = self.answers[min(len(self.requests), len(self.answers)) - 1]
                writer.write(answer)
                await writer.drain()
                if self.closes_after_answer or not answer:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            self._tasks.discard(task)


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    started = ScriptedServer()
    await started.start()
    yield started
    await started.stop()
