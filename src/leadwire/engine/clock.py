"""The machine's own clock, and ids that sort by time."""

import asyncio
import time
from collections.abc import Callable

from leadwire.model.times import MILLISECOND, Instant
from leadwire.ports.clock import Chance, Clock

_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"


class SystemClock:
    """Wall-clock time."""

    def now(self) -> Instant:
        """Microseconds since 1970, UTC."""
        return time.time_ns() // 1_000

    async def sleep(self, duration_s: float) -> None:
        """Returns after that long."""
        await asyncio.sleep(duration_s)


def id_maker(clock: Clock, chance: Chance) -> Callable[[], str]:
    """Makes ids of 26 letters and digits (ULID, lower case): sorted by the millisecond, 80 random bits behind it."""

    def new_id() -> str:
        number = (clock.now() // MILLISECOND) << 80 | chance.getrandbits(80)
        letters = []
        for _ in range(26):
            letters.append(_CROCKFORD[number & 31])
            number >>= 5
        return "".join(reversed(letters))

    return new_id
