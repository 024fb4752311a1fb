"""Worlds behind real loopback sockets, with the real time."""

import time
from collections.abc import AsyncIterator, Callable
from random import Random

import aiohttp
import pytest

from leadwire.model.times import Instant
from leadwire.simulators.catalogue import example_crm, example_knowlarity, example_meta
from leadwire.simulators.crm.world import CrmWorld
from leadwire.simulators.knowlarity.world import KnowlarityWorld
from leadwire.simulators.meta.world import MetaWorld
from leadwire.simulators.server import SimulatorServer


def real_time() -> Instant:
    return time.time_ns() // 1000


@pytest.fixture
def clock() -> Callable[[], Instant]:
    return real_time


@pytest.fixture
def meta() -> MetaWorld:
    return example_meta(Random(7))


@pytest.fixture
def knowlarity() -> KnowlarityWorld:
    return example_knowlarity(Random(7))


@pytest.fixture
def crm() -> CrmWorld:
    return CrmWorld(Random(7))


@pytest.fixture
async def graph_url(meta: MetaWorld) -> AsyncIterator[str]:
    async with SimulatorServer(meta, real_time) as server:
        yield server.url


@pytest.fixture
async def knowlarity_url(knowlarity: KnowlarityWorld) -> AsyncIterator[str]:
    async with SimulatorServer(knowlarity, real_time) as server:
        yield server.url


@pytest.fixture
async def crm_url(crm: CrmWorld) -> AsyncIterator[str]:
    async with SimulatorServer(crm, real_time) as server:
        yield server.url


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as opened:
        yield opened


@pytest.fixture
async def signed_crm_url() -> AsyncIterator[str]:
    """The CRM of the catalogue, which checks signatures."""
    async with SimulatorServer(example_crm(Random(7)), real_time) as server:
        yield server.url
