"""A source that is only asked: rows appear with their own times, late ones among them, and pulls break in the middle."""

import random
from collections.abc import AsyncIterator, Iterator

from leadwire.model.times import SECOND, Instant
from leadwire.ports.clock import Clock
from leadwire.sdk import Cursor, Page, Record, SourceUnavailable

LATE_MOST: Instant = 30 * SECOND
LOOK_BACK: Instant = LATE_MOST + SECOND
PAGE_ROWS = 3


class PulledSource:
    """A table of enquiries; each pull reads from the cursor less the look-back, page by page."""

    def __init__(self, chance: random.Random, clock: Clock) -> None:
        self._chance = chance
        self._clock = clock
        self._break_share = 0.2
        self.is_down = False
        self._people: list[tuple[str, str]] = []
        self.rows: list[Record] = []

    def grow(self) -> None:
        """A row appears, stamped up to half a minute ago: somebody's phone, e-mail or both, which makes two leads one."""
        number = len(self.rows) + 1
        if not self._people or self._chance.random() < 0.6:
            self._people.append((f"+9198{self._chance.randrange(10**8):08}", f"person{number}@example.com"))
        phone, email = self._chance.choice(self._people)
        shape = self._chance.choice(("phone", "email", "both"))
        row = Record(
            native_id=f"row{number}",
            kind="form",
            occurred_at=self._clock.now() - self._chance.randrange(LATE_MOST),
            phone=None if shape == "email" else phone,
            email=None if shape == "phone" else email,
        )
        self.rows.append(row)

    def heal(self) -> None:
        """From now on pulls end well."""
        self._break_share = 0.0
        self.is_down = False

    async def pull(self, stream: str, cursor: Cursor | None) -> AsyncIterator[Page]:
        del stream
        for page in self.pages(cursor):
            await self.read()
            yield page

    def pages(self, cursor: Cursor | None) -> Iterator[Page]:
        """The pages as the table can be read now, each with its own cursor."""
        newest = 0 if cursor is None else int(cursor.position["newest"])
        due = sorted(
            (row for row in self.rows if (row.occurred_at or 0) >= newest - LOOK_BACK),
            key=lambda row: row.occurred_at or 0,
        )
        for start in range(0, len(due), PAGE_ROWS):
            page = due[start : start + PAGE_ROWS]
            newest = max(newest, *(row.occurred_at or 0 for row in page))
            yield Page(records=page, cursor=Cursor(position={"newest": newest}))

    async def read(self) -> None:
        """One request to the table; it takes its time and may break."""
        await self._clock.sleep(0.2)
        if self.is_down or self._chance.random() < self._break_share:
            raise SourceUnavailable
