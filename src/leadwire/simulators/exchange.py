"""How the world outside is asked: one request in, one answer out, at a given time.

A world is a pure state machine, so the same one serves real sockets (simulators/server.py) and virtual time.
"""

from typing import Literal, Protocol

import msgspec

from leadwire.model.times import Instant


class WorldRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request as it reaches a world. `query` is undecoded; `headers` have lower-case names."""

    method: str
    path: str
    query: str = ""
    headers: dict[str, str] = {}
    body: bytes = b""


class FrameStream(Protocol):
    """A body that never ends by itself. Whoever serves it asks for the bytes that are due, until `is_closed`."""

    @property
    def is_closed(self) -> bool:
        """True once the other side has hung up; nothing comes after that."""
        ...

    def frames(self, now: Instant) -> bytes:
        """The bytes that became due since the last call."""
        ...

    def close(self) -> None:
        """The reader went away."""
        ...


class WorldAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What a world answers. `fault` breaks the connection: "reset" before the work was done, "lost_reply" after it, "hang" never answers.

    `delay_us` is how long the world takes to answer. `drip_us` is the pause before each byte of the body; 0 sends it whole.
    With a `stream` the body is what the stream yields, chunked, and `body` is not used.
    """

    status: int = 200
    headers: dict[str, str] = {}
    body: bytes = b""
    delay_us: int = 0
    fault: Literal["none", "reset", "lost_reply", "hang"] = "none"
    drip_us: int = 0
    stream: FrameStream | None = None


class World(Protocol):
    """A stand-in of one outside service."""

    def handle(self, request: WorldRequest, now: Instant) -> WorldAnswer:
        """Do what the real service would do at this time; never raises for bad input."""
        ...
