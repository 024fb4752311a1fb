"""Time, chance and ids come in by argument, so that a whole engine can run in virtual time from one seed."""

from typing import Protocol

from leadwire.model.times import Instant


class Clock(Protocol):
    """The wall clock and the patience of the engine."""

    def now(self) -> Instant:
        """Microseconds since 1970, UTC."""
        ...

    async def sleep(self, duration_s: float) -> None:
        """Returns after that long, in this clock's time."""
        ...


class Chance(Protocol):
    """Randomness; `random.Random` is one."""

    def random(self) -> float:
        """A float in [0, 1)."""
        ...

    def getrandbits(self, k: int, /) -> int:
        """k random bits."""
        ...
