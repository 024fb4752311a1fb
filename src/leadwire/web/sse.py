"""Server-sent events as the HTML standard frames them, and a stream that leaves the broadcast when its client does."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Final

import msgspec
from litestar.response import Stream

from leadwire.engine.live import Reader
from leadwire.web.gate import Turned
from leadwire.web.surroundings import SiteServices

RETRY_MS: Final = 1_000
LIFE_S: Final = 600.0  # then the client comes back, and must still be allowed to

_COMMENT: Final = b":\n\n"


class Event(msgspec.Struct, frozen=True):
    """An event with a name; one without a name is a comment that keeps the connection open."""

    name: str | None = None
    data: str = ""


def framed(event: Event, number: int) -> bytes:
    """The event's bytes. It is numbered, so that a client that comes back says so (Last-Event-ID)."""
    if event.name is None:
        return _COMMENT
    lines = "".join(f"data: {line}\n" for line in event.data.splitlines() or [""])
    return f"id: {number}\nevent: {event.name}\n{lines}\n".encode()


def stream_of(site: SiteServices, events: Callable[[Reader], AsyncIterator[Event]], *, is_back: bool) -> Stream:
    """The events of a new reader until it goes, ten minutes are over or the server stops; a reader that `is_back` first hears
    "resync". Raises Turned where too many read along."""
    if not site.live.has_room:
        raise Turned("unavailable", "Too many live connections.", {"Retry-After": "5"})

    async def sent() -> AsyncGenerator[bytes, None]:
        reader = site.live.join()
        if reader is None:
            return
        until = asyncio.get_running_loop().time() + LIFE_S
        try:
            yield b"retry: %d\n\n" % RETRY_MS
            if is_back:
                yield framed(Event("resync"), site.clock.now())
            async for event in events(reader):
                yield framed(event, site.clock.now())
                if asyncio.get_running_loop().time() >= until:
                    return
        finally:
            site.live.leave(reader)

    return Stream(
        sent(), media_type="text/event-stream", headers={"cache-control": "no-store", "x-accel-buffering": "no"}
    )
