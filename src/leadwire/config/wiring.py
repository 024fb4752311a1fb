"""Splits a source's or destination's table into what all of them take and what its connector declares."""

from typing import Any

import msgspec

from leadwire.config.declared import DestinationSettings, SourceSettings, SyncSettings
from leadwire.config.decoding import Decoder
from leadwire.config.discovery import Connectors
from leadwire.config.environment import Unfilled
from leadwire.config.problems import Problems, nearest
from leadwire.config.result import DestinationConfig, SourceConfig
from leadwire.config.shape import fields_of
from leadwire.model.errors import ConfigError
from leadwire.sdk.connector import Connector


class Wiring:
    """Builds the sources, destinations and syncs of one file."""

    def __init__(self, decoder: Decoder, connectors: Connectors, problems: Problems) -> None:
        self._decoder = decoder
        self._connectors = connectors
        self._problems = problems

    def source(self, name: str, table: dict[str, Any]) -> SourceConfig | None:
        """The source; None, with the problems noted, where the table is wrong."""
        key = f"sources.{name}"
        connector = self._connector(table, key, "source")
        if connector is None:
            return None
        shared, settings = self._split(table, connector, SourceSettings, key)
        if shared is None or settings is None:
            return None
        return SourceConfig(
            name=name,
            connector=connector,
            settings=settings,
            poll=shared.poll,
            look_back=shared.look_back,
            test_leads=shared.test_leads,
            identity=shared.identity,
        )

    def destination(self, name: str, table: dict[str, Any]) -> DestinationConfig | None:
        """The destination; None, with the problems noted, where the table is wrong."""
        key = f"destinations.{name}"
        connector = self._connector(table, key, "destination")
        if connector is None:
            return None
        shared, settings = self._split(table, connector, DestinationSettings, key)
        if shared is None or settings is None:
            return None
        return DestinationConfig(
            name=name,
            connector=connector,
            settings=settings,
            concurrency=shared.concurrency,
            rate=shared.rate,
            timeout=shared.timeout,
            retry_horizon=shared.retry_horizon,
            batch=shared.batch,
            grain=shared.grain,
        )

    def sync(self, name: str, table: dict[str, Any]) -> SyncSettings | None:
        """The sync as the file has it; None, with the problems noted, where the table is wrong."""
        decoded: SyncSettings | None = self._decoder.struct(table, SyncSettings, f"syncs.{name}")
        return decoded

    def _connector(self, table: dict[str, Any], key: str, role: str) -> Connector | None:
        type_name = table.get("type")
        if isinstance(type_name, Unfilled):
            return None
        if not isinstance(type_name, str):
            self._problems.add(f"{key}.type", f'is missing: add type = "…", one of {self._listed(role)}')
            return None
        shown = f'"{type_name}"'
        if type_name not in self._connectors.types():
            match = nearest(type_name, self._connectors.types())
            hint = f'did you mean "{match}"? ' if match else ""
            self._problems.add(
                f"{key}.type", f"there is no such type; {hint}known types: {self._listed(role)}", value=shown
            )
            return None
        try:
            connector = self._connectors.find(type_name)
        except ConfigError as error:
            self._problems.add(f"{key}.type", str(error), value=shown)
            return None
        if getattr(connector, role) is None:
            self._problems.add(
                f"{key}.type", f"this type is no {role}; types of {role}s: {self._listed(role)}", value=shown
            )
            return None
        return connector

    def _listed(self, role: str) -> str:
        names = [
            connector.type_name for connector in self._connectors.loadable() if getattr(connector, role) is not None
        ]
        return ", ".join(names) or "none"

    def _split(
        self, table: dict[str, Any], connector: Connector, shared: type[msgspec.Struct], key: str
    ) -> tuple[Any | None, Any | None]:
        """What all take and what the connector declares. A setting that both declare goes to both, with the connector's default."""
        shared_names = [field.name for field in fields_of(shared)]
        own_names = [field.name for field in fields_of(connector.settings)]
        before = len(self._problems.found)
        self._decoder.refuse_unknown(table, list(dict.fromkeys([*shared_names, *own_names])), key)
        settings = self._decoder.struct(
            {name: value for name, value in table.items() if name in own_names}, connector.settings, key
        )
        rest = {name: value for name, value in table.items() if name in shared_names and name not in own_names}
        both = [name for name in shared_names if name in own_names]
        common = self._decoder.struct({**rest, "type": connector.type_name}, shared, key)
        if settings is None or common is None or len(self._problems.found) > before:
            return None, None
        return msgspec.structs.replace(common, **{name: getattr(settings, name) for name in both}), settings
