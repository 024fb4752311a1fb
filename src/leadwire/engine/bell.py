"""The bell of one process: a flag per topic, and subscribers who want to know what changed."""

import asyncio
from collections.abc import Callable
from typing import Literal


class LocalBell:
    """Rings stay rung until someone waits, so that none is missed between a look and a wait."""

    def __init__(self) -> None:
        self._flags: dict[str, asyncio.Event] = {}
        self._subscribers: dict[str, list[Callable[[tuple[str, ...]], None]]] = {}

    def ring(self, topic: str, keys: tuple[str, ...] = ()) -> None:
        """Wakes who waits on the topic, now or next, and tells the subscribers the keys."""
        self._flag(topic).set()
        for tell in self._subscribers.get(topic, ()):
            tell(keys)

    def subscribe(self, topic: str, tell: Callable[[tuple[str, ...]], None]) -> None:
        """Calls `tell` with the keys of every ring; it must return at once."""
        self._subscribers.setdefault(topic, []).append(tell)

    async def wait(self, topic: str, timeout_s: float) -> Literal["rung", "timeout"]:
        """Returns at the first ring since the last wait, or after timeout_s."""
        flag = self._flag(topic)
        if not flag.is_set():
            try:
                async with asyncio.timeout(timeout_s):
                    await flag.wait()
            except TimeoutError:
                return "timeout"
        flag.clear()
        return "rung"

    def _flag(self, topic: str) -> asyncio.Event:
        flag = self._flags.get(topic)
        if flag is None:
            flag = self._flags[topic] = asyncio.Event()
        return flag
