"""What the process-level tests share: a town, a program on a folder of its own, a sender that keeps books."""

from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import aiohttp
import pytest

from e2e.program import Program
from e2e.sender import Sender
from e2e.town import Town


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    async with Town(Random(7)) as town:
        yield town


@pytest.fixture
async def program(tmp_path: Path) -> AsyncIterator[Program]:
    async with Program(tmp_path) as program:
        yield program


@pytest.fixture
async def sender(town: Town) -> AsyncIterator[Sender]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10.0)) as session:
        yield Sender(town, session)
