"""Reads leadwire.toml into a Config, or says everything that is wrong with it."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from leadwire.config.crossing import Crossing
from leadwire.config.declared import Egress, Identity, Retention, Server, StoreSettings
from leadwire.config.decoding import Decoder
from leadwire.config.discovery import Connectors
from leadwire.config.environment import fill
from leadwire.config.problems import Problem, Problems, refusal
from leadwire.config.result import Config, Place
from leadwire.config.wiring import Wiring

_NAME = re.compile(r"^[a-z0-9_-]{1,40}$")
_SECTIONS = ["server", "store", "identity", "egress", "retention", "sources", "destinations", "syncs"]
_StructT = TypeVar("_StructT", bound=msgspec.Struct)


def load(path: Path, environment: Mapping[str, str]) -> Config:
    """The configuration in the file. Raises ConfigError with one line per problem."""
    config, problems = examine(path, environment)
    if config is None:
        raise refusal(problems)
    return config


def load_place(path: Path, environment: Mapping[str, str]) -> Place:
    """Where this leadwire lives; reads [server] and [store] only. Raises ConfigError with one line per problem."""
    problems = Problems(path)
    reading = _Reading(path, environment, problems)
    server, store = reading.section("server", Server), reading.store()
    if problems.found or server is None or store is None:
        raise refusal(problems.found)
    return Place(path=reading.path, server=server, store=store)


def examine(path: Path, environment: Mapping[str, str]) -> tuple[Config | None, Sequence[Problem]]:
    """The configuration and no problem, or None and every problem that was found."""
    problems = Problems(path)
    reading = _Reading(path, environment, problems)
    config = reading.config() if not problems.found else None
    return (None, problems.found) if problems.found else (config, [])


class _Reading:
    """One reading of one file."""

    def __init__(self, path: Path, environment: Mapping[str, str], problems: Problems) -> None:
        self.path = path.absolute()
        self._environment = environment
        self._problems = problems
        self._document = _parse(self.path, problems)
        self._decoder = Decoder(self.path.parent, problems)

    def section(self, name: str, struct: type[_StructT]) -> _StructT | None:
        """A section's settings; None, with the problems noted, where they are wrong."""
        decoded: _StructT | None = self._decoder.struct(self._table(name), struct, name)
        return decoded

    def store(self) -> StoreSettings | None:
        """[store], with the ledger's file made absolute."""
        table = {"url": StoreSettings().url, **self._table("store")}
        decoded: StoreSettings | None = self._decoder.struct(table, StoreSettings, "store")
        return decoded

    def config(self) -> Config | None:
        """The whole file; None, or with problems noted, where anything is wrong."""
        self._decoder.refuse_unknown(self._document, _SECTIONS, "")
        server, store = self.section("server", Server), self.store()
        identity, egress = self.section("identity", Identity), self.section("egress", Egress)
        retention = self.section("retention", Retention)
        wiring = Wiring(self._decoder, self._connectors(), self._problems)
        sources = {name: wiring.source(name, table) for name, table in self._named("sources").items()}
        destinations = {name: wiring.destination(name, table) for name, table in self._named("destinations").items()}
        syncs = {name: wiring.sync(name, table) for name, table in self._named("syncs").items()}
        routes = Crossing(set(sources), set(destinations), self._problems).routes(syncs)
        if server is None or store is None or identity is None or egress is None or retention is None:
            return None
        return Config(
            path=self.path,
            server=server,
            store=store,
            identity=identity,
            egress=egress,
            retention=retention,
            sources={name: source for name, source in sources.items() if source is not None},
            destinations={name: target for name, target in destinations.items() if target is not None},
            syncs=routes,
        )

    def _connectors(self) -> Connectors:
        server = self._document.get("server")
        name = server.get("connectors") if isinstance(server, dict) else None
        folder = self.path.parent / name if name and isinstance(name, str) else None
        if folder is not None and not folder.is_dir():
            self._problems.add(
                "server.connectors",
                f"there is no folder {folder}: make it, or take this setting out",
                value=f'"{folder.name}"',
            )
        connectors = Connectors(folder)
        for name in connectors.shadowed:
            self._problems.add(
                "server.connectors", f'"{name}" is the name of a built-in connector: give your folder another name'
            )
        return connectors

    def _table(self, name: str) -> dict[str, Any]:
        table = fill(self._document.get(name, {}), name, self._environment, self._problems)
        if isinstance(table, dict):
            return table
        self._problems.add(name, f"expected a table: write [{name}] and its settings below")
        return {}

    def _named(self, section: str) -> dict[str, dict[str, Any]]:
        tables = {}
        for name, table in self._table(section).items():
            if not isinstance(table, dict):
                self._problems.add(
                    f"{section}.{name}", f"expected a table: write [{section}.NAME] and its settings below"
                )
            elif not _NAME.match(name):
                self._problems.add(
                    f"{section}.{name}",
                    "a name has 1 to 40 small letters, digits, _ and -, because it stands in addresses",
                )
            else:
                tables[name] = table
        return tables


def _parse(path: Path, problems: Problems) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        problems.add(
            "", f"there is no such file in {path.parent}: write one with leadwire init, or name yours with --config"
        )
    except OSError as error:
        problems.add("", f"can't be read: {error.strerror}")
    except UnicodeDecodeError:
        problems.add("", "is no UTF-8 text: save it as UTF-8")
    except tomllib.TOMLDecodeError as error:
        problems.add("", f"is no TOML: {error}")
    return {}
