"""What one table can't know by itself: whether the names in a sync exist, its expressions compile, its path is free."""

from collections.abc import Mapping as Named
from collections.abc import Set as AbstractSet

from leadwire.config.declared import SyncSettings
from leadwire.config.problems import Problems, nearest, shown
from leadwire.config.result import SyncConfig
from leadwire.rules.mapping import Mapping

_TAKEN = (
    "api",
    "webhooks",
    "inbox",
    "ops",
    "login",
    "logout",
    "livez",
    "readyz",
    "metrics",
    "docs",
    "openapi.json",
    "static",
)


class Crossing:
    """Checks the syncs of one file against its sources, its destinations and each other."""

    def __init__(self, sources: AbstractSet[str], destinations: AbstractSet[str], problems: Problems) -> None:
        self._sources = sources
        self._destinations = destinations
        self._problems = problems
        self._paths: dict[str, str] = {}

    def routes(self, syncs: Named[str, SyncSettings | None]) -> dict[str, SyncConfig]:
        """The syncs that are right, by name; the problems of the others are noted."""
        found = {name: self._route(name, sync) for name, sync in syncs.items() if sync is not None}
        return {name: route for name, route in found.items() if route is not None}

    def _route(self, name: str, sync: SyncSettings) -> SyncConfig | None:
        before = len(self._problems.found)
        key = f"syncs.{name}"
        if not sync.sources:
            self._problems.add(f"{key}.from", "names no source: list at least one")
        for index, source in enumerate(sync.sources):
            self._known(source, self._sources, f"{key}.from[{index}]", "source")
        self._known(sync.to, self._destinations, f"{key}.to", "destination")
        if sync.where:
            self._compiles("where", sync.where, key)
        for field, expression in sync.fields.items():
            self._compiles(f"fields.{field}", expression, key)
        if sync.trigger_path:
            self._free(sync.trigger_path, name)
        if len(self._problems.found) > before:
            return None
        return SyncConfig(
            name=name,
            sources=tuple(dict.fromkeys(sync.sources)),
            to=sync.to,
            where=sync.where,
            fields=sync.fields,
            mapping=Mapping.compile(sync.fields or None, sync.where or None),
            trigger_path=sync.trigger_path,
            trigger_token=sync.trigger_token,
        )

    def _known(self, name: str, known: AbstractSet[str], key: str, what: str) -> None:
        if name in known:
            return
        match = nearest(name, known)
        listed = ", ".join(sorted(known)) or "none yet"
        hint = f'did you mean "{match}"?' if match else f"add [{what}s.{name}], or name one of: {listed}"
        self._problems.add(key, f"there is no {what} of this name; {hint}", value=shown(name))

    def _compiles(self, place: str, expression: str, key: str) -> None:
        """Compiles each expression alone, so that every wrong one is told."""
        try:
            if place == "where":
                Mapping.compile(None, expression)
            else:
                Mapping.compile({place.removeprefix("fields."): expression}, None)
        except ValueError as error:
            reason = str(error).removeprefix(f"{place}: in `{expression}` ")
            self._problems.add(f"{key}.{place}", reason, value=shown(expression))

    def _free(self, path: str, sync: str) -> None:
        key = f"syncs.{sync}.trigger_path"
        if not path.startswith("/") or path == "/" or any(character in path for character in "?# "):
            self._problems.add(key, 'is no path: write it as "/sync-kv-now"', value=shown(path))
        elif path.split("/")[1] in _TAKEN:
            self._problems.add(
                key, f"leadwire itself answers below /{path.split('/')[1]}: choose another path", value=shown(path)
            )
        elif path in self._paths:
            self._problems.add(
                key, f'the sync "{self._paths[path]}" has this path already: choose another', value=shown(path)
            )
        else:
            self._paths[path] = sync
