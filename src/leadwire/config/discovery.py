"""Finds connectors: folders of leadwire.connectors, folders of your own, and installed packages. Nothing lists them by name.

A connector is a module that holds `connector = Connector(...)`; its type is its folder's name (or its entry point's, in the
group "leadwire.connectors"). A name of leadwire's own always wins.
"""

import importlib
import importlib.util
import pkgutil
import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType

from leadwire.model.errors import ConfigError
from leadwire.sdk.connector import Connector

_BROKEN = (SyntaxError, NameError, AttributeError, TypeError, ValueError, LookupError, OSError)
_PACKAGE = "leadwire.connectors"


class Connectors:
    """The connectors that can be configured. `folder` holds connectors of your own, one folder each.

    `shadowed` are names that a built-in connector took from one of your own.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._ways: dict[str, Callable[[], Connector]] = {}
        for point in entry_points(group=_PACKAGE):
            self._ways[point.name] = _from_entry_point(point)
        for path in _folders(folder):
            self._ways[path.name] = _from_folder(path)
        own = [found.name for found in pkgutil.iter_modules(importlib.import_module(_PACKAGE).__path__)]
        self.shadowed = sorted(name for name in own if name in self._ways)
        self._ways |= {name: _from_package(name) for name in own if not name.startswith("_")}

    def types(self) -> list[str]:
        """The names of all types, loaded or not."""
        return sorted(self._ways)

    def find(self, type_name: str) -> Connector:
        """The connector of this type. Raises KeyError where there is none, ConfigError where it can't be loaded."""
        return self._ways[type_name]()

    def loadable(self) -> list[Connector]:
        """Every connector that can be loaded here, by type; one whose packages are not installed is left out."""
        found = []
        for name in self.types():
            try:
                found.append(self.find(name))
            except ConfigError:
                continue
        return found


def _folders(folder: Path | None) -> list[Path]:
    if folder is None or not folder.is_dir():
        return []
    return [path for path in sorted(folder.iterdir()) if path.name.isidentifier() and (path / "__init__.py").is_file()]


def _from_package(name: str) -> Callable[[], Connector]:
    return lambda: _introduced(name, lambda: importlib.import_module(f"{_PACKAGE}.{name}"))


def _from_entry_point(point: EntryPoint) -> Callable[[], Connector]:
    return lambda: _introduced(point.name, point.load)


def _from_folder(path: Path) -> Callable[[], Connector]:
    return lambda: _introduced(path.name, lambda: _import_folder(path))


def _import_folder(path: Path) -> ModuleType:
    """Imports the folder as leadwire.connectors.NAME, so that its files import each other as those of a built-in one do."""
    name = f"{_PACKAGE}.{path.name}"
    start = path / "__init__.py"
    loaded = sys.modules.get(name)
    if loaded is not None and loaded.__file__ == str(start):
        return loaded
    for stale in [module for module in sys.modules if module == name or module.startswith(f"{name}.")]:
        del sys.modules[stale]
    spec = importlib.util.spec_from_file_location(name, start, submodule_search_locations=[str(path)])
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _introduced(name: str, load: Callable[[], object]) -> Connector:
    try:
        loaded = load()
    except ImportError as error:
        hint = f"install what it needs (its setup.md says what; often pip install 'leadwire[{name}]')"
        raise ConfigError(f'the connector "{name}" can\'t be loaded: {error}; {hint}') from error
    except _BROKEN as error:
        raise ConfigError(f'the connector "{name}" can\'t be loaded: {type(error).__name__}: {error}') from error
    connector = getattr(loaded, "connector", loaded)
    if not isinstance(connector, Connector):
        raise ConfigError(
            f'the connector "{name}" does not introduce itself: its __init__.py needs connector = Connector(...)'
        )
    if connector.type_name != name:
        raise ConfigError(
            f'the connector in the folder "{name}" calls itself "{connector.type_name}": the two must be the same'
        )
    return connector
