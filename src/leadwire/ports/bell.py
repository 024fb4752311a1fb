"""Hints that there is work. Losing one costs time, never data: every service also looks by itself now and then."""

from typing import Literal, Protocol

Topic = str  # "events", "fetches", "deliveries:NAME", "leads"


class Bell(Protocol):
    """Wakes the services of this process (and, on a shared ledger, of the other nodes)."""

    def ring(self, topic: Topic, keys: tuple[str, ...] = ()) -> None:
        """Says that there is work under the topic; `keys` name what changed (lead ids for "leads")."""
        ...

    async def wait(self, topic: Topic, timeout_s: float) -> Literal["rung", "timeout"]:
        """Returns at the first ring since the last wait on this topic, or after timeout_s."""
        ...
