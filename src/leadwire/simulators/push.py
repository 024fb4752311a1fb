"""How a world calls us: requests that are due now, each given back with what became of it."""

from typing import Protocol

import msgspec

from leadwire.model.times import Instant


class Push(msgspec.Struct, frozen=True, kw_only=True):
    """One request that the outside service sends to the receiver's URL.

    `query` is appended to that URL. `number` names the push within its world; a retry keeps the number and the bytes and
    counts `attempt` up from 1.
    """

    number: int
    attempt: int = 1
    method: str = "POST"
    query: str = ""
    headers: dict[str, str] = {}
    body: bytes = b""


class PushingWorld(Protocol):
    """A world that calls back. A push is handed out once and stays in flight until it is acknowledged."""

    def notifications_due(self, now: Instant) -> list[Push]:
        """All pushes due by now, each to be sent once and then acknowledged."""
        ...

    def acknowledge(self, push: Push, status: int | None, now: Instant, body: bytes = b"") -> None:
        """What became of a push: the receiver's status and body, or None for a timeout or a broken connection."""
        ...

    def next_push_at(self) -> Instant | None:
        """When the next push is due, None while nothing waits."""
        ...
