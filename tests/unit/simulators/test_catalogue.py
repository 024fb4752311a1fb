import tomllib
from random import Random

import pytest

from leadwire.model.times import Instant
from leadwire.simulators.catalogue import CATALOGUE, config_for
from leadwire.simulators.exchange import WorldRequest


def test_every_simulator_of_the_catalogue_answers_and_counts(now: Instant) -> None:
    assert set(CATALOGUE) >= {"meta", "knowlarity", "crm"}
    for make in CATALOGUE.values():
        world = make(Random(1))
        assert world.handle(WorldRequest(method="GET", path="/nothing/here"), now).status >= 400
        assert world.snapshot()


@pytest.mark.parametrize("name", ["meta", "knowlarity", "crm"])
def test_each_comes_with_the_config_that_uses_it(name: str) -> None:
    config = tomllib.loads(config_for(CATALOGUE[name](Random(1)), "http://127.0.0.1:9000"))
    ((kind, tables),) = config.items()
    assert kind in {"sources", "destinations"}
    urls = [
        value for table in tables.values() for value in table.values() if str(value).startswith("http://127.0.0.1:9000")
    ]
    assert urls
