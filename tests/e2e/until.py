"""Waiting for what must come true, with a deadline and a reason."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")
STEP_S = 0.03


class NeverCame(AssertionError):
    """What a test waited for did not come true in time."""


async def until(look: Callable[[], Awaitable[T]], within_s: float, what: str) -> T:
    """The first truthy thing that `look` answers. Raises NeverCame, with the last answer, once the time is over."""
    give_up_at = time.monotonic() + within_s
    while True:
        found = await look()
        if found:
            return found
        if time.monotonic() > give_up_at:
            raise NeverCame(f"{what} did not come true within {within_s:g} s; the last look showed {found!r}")
        await pause(STEP_S)


async def until_seen(look: Callable[[], T], within_s: float, what: str) -> T:
    """The same for a look at something in this process."""

    async def looked() -> T:
        return look()

    return await until(looked, within_s, what)


async def pause(for_s: float) -> None:
    """Lets others run for so long: the step of a poll, or the random life of a process under test."""
    never = asyncio.get_running_loop().create_future()
    await asyncio.wait((never,), timeout=for_s)
    never.cancel()
