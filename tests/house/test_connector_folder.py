"""A connector is one folder: dropped in, it is found, configured and delivers, with no other file edited."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from leadwire.config import Config, DestinationConfig, load
from leadwire.config.schema import json_schema
from leadwire.model.errors import ConfigError
from leadwire.sdk import Delivered, Delivery, HttpAnswer, HttpRequest, Receipt, Rejected, Tools

WHOLE_CONNECTOR = '''
"""Posts each lead's name to a bell that rings in the sales room."""

from collections.abc import Sequence
from typing import Annotated

import msgspec

from leadwire.sdk import Connector, Delivered, Delivery, HttpRequest, Receipt, Rejected, SecretText, Tools, setting


class BellSettings(msgspec.Struct, frozen=True, kw_only=True):
    """A bell."""

    url: Annotated[str, setting("URL", "Where the bell listens.")]
    token: Annotated[SecretText, setting("Token", "Lets us ring it.")]


class Bell:
    def __init__(self, settings: BellSettings, tools: Tools) -> None:
        self.settings = settings
        self.tools = tools

    async def deliver(self, batch: Sequence[Delivery]) -> Sequence[Receipt]:
        receipts: list[Receipt] = []
        for delivery in batch:
            headers = {"Authorization": f"Bearer {self.settings.token.reveal()}", "Idempotency-Key": delivery.key}
            request = HttpRequest(method="POST", url=self.settings.url, headers=headers, body=bytes(delivery.data))
            answer = await self.tools.http.send(request)
            receipts.append(Delivered(status=answer.status) if answer.status < 300 else Rejected(status=answer.status))
        return receipts


connector = Connector(type_name="bell", title="Bell", settings=BellSettings, destination=Bell)
'''
CONFIG = """
[server]
connectors = "connectors"
[destinations.ring]
type = "bell"
url = "https://bell.example/ring"
token = "${BELL_TOKEN}"
rate = "2/s"
"""


class FakeHttp:
    def __init__(self, status: int) -> None:
        self.status = status
        self.sent: list[HttpRequest] = []

    async def send(self, request: HttpRequest) -> HttpAnswer:
        self.sent.append(request)
        return HttpAnswer(status=self.status, headers={}, body=b"")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    folder = tmp_path / "connectors" / "bell"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text(WHOLE_CONNECTOR, encoding="utf-8")
    path = tmp_path / "leadwire.toml"
    path.write_text(CONFIG, encoding="utf-8")
    return path


async def _deliver(config: Config, http: FakeHttp) -> Sequence[Receipt]:
    ring: DestinationConfig = config.destinations["ring"]
    assert ring.connector.destination is not None
    bell = ring.connector.destination(ring.settings, Tools(name="ring", http=http, now=lambda: 0))
    delivery = Delivery(
        key="01a_1_ring",
        type="lead.created",
        lead_id="01a",
        version=1,
        owed_at=0,
        data=msgspec.Raw(b'{"full_name":"Asha"}'),
        attempt=1,
        uncertain=False,
    )
    return await bell.deliver([delivery])


async def test_a_folder_that_is_dropped_in_is_found_configured_and_delivers(path: Path) -> None:
    config = load(path, {"BELL_TOKEN": "ding"})
    assert config.destinations["ring"].connector.title == "Bell"
    assert config.destinations["ring"].rate is not None
    http = FakeHttp(201)
    assert await _deliver(config, http) == [Delivered(status=201)]
    (sent,) = http.sent
    assert (sent.url, sent.headers["Authorization"], sent.body) == (
        "https://bell.example/ring",
        "Bearer ding",
        b'{"full_name":"Asha"}',
    )


async def test_its_refusals_come_back_as_typed_errors(path: Path) -> None:
    (receipt,) = await _deliver(load(path, {"BELL_TOKEN": "ding"}), FakeHttp(422))
    assert isinstance(receipt, Rejected)
    assert receipt.status == 422


def test_its_settings_are_checked_like_those_of_a_built_in_one(path: Path) -> None:
    path.write_text(CONFIG.replace("token", "tokn"), encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        load(path, {"BELL_TOKEN": "ding"})
    assert str(refused.value).splitlines() == [
        'leadwire.toml: destinations.ring.tokn: there is no such setting; did you mean "token"?',
        'leadwire.toml: destinations.ring.token: is missing: add token = "${RING_TOKEN}" (Lets us ring it)',
    ]


def test_its_settings_stand_in_the_schema(path: Path) -> None:
    connector = load(path, {"BELL_TOKEN": "ding"}).destinations["ring"].connector
    kinds = json_schema([connector])["properties"]["destinations"]["additionalProperties"]["oneOf"]
    assert [kind["properties"]["type"]["const"] for kind in kinds] == ["bell"]
    assert kinds[0]["properties"]["token"]["writeOnly"] is True
