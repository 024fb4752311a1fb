"""What a service is: it does one bounded piece of its work and says when to call it again."""

from typing import Protocol

import msgspec

from leadwire.model.times import Instant


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What one step did: `done` pieces (0 = there was nothing to do), and how long it may rest if nobody rings.

    A step that did something is called again at once, unless it `is_through`: it saw that nothing more was waiting.
    """

    done: int = 0
    rest_s: float = 1.0
    is_through: bool = False


class Service(Protocol):
    """One stage of a lead's life."""

    @property
    def name(self) -> str:
        """Stands in logs and metrics."""
        ...

    @property
    def topic(self) -> str:
        """The bell's topic that brings it work."""
        ...

    async def run_once(self, now: Instant) -> Step:
        """Does one bounded piece; safe to run twice; raises StoreError only."""
        ...

    async def drain(self) -> None:
        """Finishes or gives back what is under way; after this run_once is not called again."""
        ...
