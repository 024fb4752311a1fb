"""Sends a world's pushes over real HTTP and tells the world what became of them, so that its own retries take over."""

import asyncio
from collections.abc import Callable

import aiohttp
from yarl import URL

from leadwire.model.times import SECOND, Instant
from leadwire.simulators.push import Push, PushingWorld

_ANSWER_BYTES_MAX = 64 * 1024
_IDLE_S = 0.05


class PushSender:
    """Calls one receiver for one world. At most `in_flight_max` requests at a time, each with a total deadline.

    `url` is the receiver, its own query included; a push's query is appended. The caller owns the session.
    """

    def __init__(
        self,
        world: PushingWorld,
        session: aiohttp.ClientSession,
        url: str,
        clock: Callable[[], Instant],
        *,
        in_flight_max: int = 64,
        timeout_s: float = 10.0,
    ) -> None:
        self._world = world
        self._session = session
        self._url = url
        self._clock = clock
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._slots = asyncio.Semaphore(in_flight_max)
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """There may be a push that is due now; `run` looks at once instead of at its next tick."""
        self._woken.set()

    async def send_due(self) -> int:
        """Send all that is due, wait for the answers, and return how many were sent. Retries that follow are left for the next call."""
        pushes = self._world.notifications_due(self._clock())
        async with asyncio.TaskGroup() as group:
            for push in pushes:
                await self._slots.acquire()
                group.create_task(self._send(push))
        return len(pushes)

    async def run(self) -> None:
        """Send whatever becomes due until cancelled; requests in flight are then cut off."""
        async with asyncio.TaskGroup() as group:
            while True:
                self._woken.clear()
                for push in self._world.notifications_due(self._clock()):
                    await self._slots.acquire()
                    group.create_task(self._send(push))
                await self._pause()

    async def _pause(self) -> None:
        due = self._world.next_push_at()
        wait_s = _IDLE_S if due is None else min(_IDLE_S, max(0.0, (due - self._clock()) / SECOND))
        try:
            async with asyncio.timeout(wait_s):
                await self._woken.wait()
        except TimeoutError:
            return

    async def _send(self, push: Push) -> None:
        try:
            status, body = await self._exchange(push)
        except (aiohttp.ClientError, TimeoutError):
            status, body = None, b""
        finally:
            self._slots.release()
        self._world.acknowledge(push, status, self._clock(), body)

    async def _exchange(self, push: Push) -> tuple[int | None, bytes]:
        async with self._session.request(
            push.method,
            _joined(self._url, push.query),
            data=push.body or None,
            headers=push.headers,
            timeout=self._timeout,
            allow_redirects=False,
        ) as response:
            return response.status, await response.content.read(_ANSWER_BYTES_MAX)


def _joined(url: str, query: str) -> URL:
    if not query:
        return URL(url, encoded=True)
    return URL(f"{url}{'&' if '?' in url else '?'}{query}", encoded=True)
