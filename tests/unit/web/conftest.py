"""Sites to ask."""

from collections.abc import AsyncIterator

import msgspec
import pytest

from unit.web.house import SETTINGS, House


@pytest.fixture
async def house() -> AsyncIterator[House]:
    """A site that is reached by https and listens on the network. A test that expects a crash takes it out of `crashes`."""
    house = House(SETTINGS)
    yield house
    assert house.crashes == []
    house.live.close()


@pytest.fixture
def open_house() -> House:
    """A site on loopback, without https."""
    return House(msgspec.structs.replace(SETTINGS, public_url=None, listens_on_loopback=True))
