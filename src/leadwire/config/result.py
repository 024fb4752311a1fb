"""The configuration as the rest of leadwire sees it: checked, frozen, connectors found, secrets resolved."""

from pathlib import Path
from typing import Any, Literal

import msgspec

from leadwire.config.declared import Egress, Identity, Retention, Server, StoreSettings
from leadwire.rules.mapping import Mapping
from leadwire.sdk.connector import Connector
from leadwire.sdk.settings import Duration, Rate, Secret


class SourceConfig(msgspec.Struct, frozen=True, kw_only=True):
    """A configured source. `settings` is an instance of `connector.settings`; `poll` of 0 seconds: never asked."""

    name: str
    connector: Connector
    settings: Any
    poll: Duration
    look_back: Duration
    test_leads: Literal["flag", "drop", "deliver"]
    identity: bool


class DestinationConfig(msgspec.Struct, frozen=True, kw_only=True):
    """A configured destination. `settings` is an instance of `connector.settings`."""

    name: str
    connector: Connector
    settings: Any
    concurrency: int
    rate: Rate | None
    timeout: Duration
    retry_horizon: Duration
    batch: int
    grain: Literal["lead", "record"]


class SyncConfig(msgspec.Struct, frozen=True, kw_only=True):
    """A configured route. `sources` and `to` are names that exist; `mapping` is `where` and `fields`, compiled."""

    name: str
    sources: tuple[str, ...]
    to: str
    where: str
    fields: dict[str, str]
    mapping: Mapping
    trigger_path: str
    trigger_token: Secret | None


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where this leadwire lives: enough to find its running server, without reading any source's or destination's secret."""

    path: Path
    server: Server
    store: StoreSettings


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """The whole configuration. `folder` is where the file's relative names start."""

    path: Path
    server: Server
    store: StoreSettings
    identity: Identity
    egress: Egress
    retention: Retention
    sources: dict[str, SourceConfig]
    destinations: dict[str, DestinationConfig]
    syncs: dict[str, SyncConfig]

    @property
    def folder(self) -> Path:
        return self.path.parent

    @property
    def place(self) -> Place:
        """Where this leadwire lives."""
        return Place(path=self.path, server=self.server, store=self.store)
