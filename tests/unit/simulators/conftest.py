"""Worlds with example identities, and short ways to ask them."""

import json
from collections.abc import Callable
from random import Random
from typing import Any
from urllib.parse import urlencode

import pytest

from leadwire.model.times import Instant
from leadwire.simulators.catalogue import example_crm, example_knowlarity, example_meta
from leadwire.simulators.crm.world import CrmWorld
from leadwire.simulators.exchange import WorldAnswer, WorldRequest
from leadwire.simulators.knowlarity.world import KnowlarityWorld
from leadwire.simulators.meta.world import MetaWorld

GraphCall = Callable[..., tuple[int, Any]]
NOW: Instant = 1_761_945_743_000_000


@pytest.fixture
def now() -> Instant:
    return NOW


@pytest.fixture
def meta() -> MetaWorld:
    return example_meta(Random(7))


@pytest.fixture
def knowlarity() -> KnowlarityWorld:
    return example_knowlarity(Random(7))


@pytest.fixture
def crm() -> CrmWorld:
    return example_crm(Random(7))


@pytest.fixture
def graph_answer(meta: MetaWorld) -> Callable[..., WorldAnswer]:
    """Ask the Graph API with the first page's token unless another one is given."""

    def ask(path: str, at: Instant = NOW, method: str = "GET", token: str | None = None, **params: Any) -> WorldAnswer:
        page_token = next(iter(meta.pages.values())).access_token
        texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in params.items()}
        query = urlencode({"access_token": page_token if token is None else token, **texts})
        return meta.handle(WorldRequest(method=method, path=path, query=query), at)

    return ask


@pytest.fixture
def graph(graph_answer: Callable[..., WorldAnswer]) -> GraphCall:
    """The status and the JSON of a Graph call."""

    def ask(
        path: str, at: Instant = NOW, method: str = "GET", token: str | None = None, **params: Any
    ) -> tuple[int, Any]:
        answer = graph_answer(path, at, method, token, **params)
        return answer.status, json.loads(answer.body)

    return ask
