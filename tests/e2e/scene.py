"""A town, a program on a folder of its own, and a sender that keeps books: what every process-level test plays in."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
import msgspec

from e2e.program import Program
from e2e.sender import Outcome, Sender, Sent
from e2e.town import Town


class Scene(msgspec.Struct, frozen=True):
    """The parts of one test."""

    town: Town
    program: Program
    sender: Sender

    async def open(self, *more: str, **settings: Any) -> float:
        """Writes the configuration and starts the program; answers how long that took, in seconds."""
        self.town.settle_in(self.program.folder, *more, **settings)
        return await self.go_on()

    async def go_on(self) -> float:
        """Starts the program on what is there."""
        took_s = await self.program.start()
        self.sender.url = self.program.url
        return took_s

    async def take(self, *sent: Sent) -> None:
        """Sends all of these; each must be taken."""
        for each in sent:
            outcome: Outcome = await self.sender.send(each)
            assert outcome == "ok", (each.source, self.sender.book.statuses)


@asynccontextmanager
async def scene_in(folder: Path, seed: int = 7) -> AsyncIterator[Scene]:
    """A scene; all of it is gone afterwards."""
    timeout = aiohttp.ClientTimeout(total=10.0)
    async with (
        Town(Random(seed)) as town,
        Program(folder) as program,
        aiohttp.ClientSession(timeout=timeout) as session,
    ):
        yield Scene(town, program, Sender(town, session))
