"""The JSON Schema of leadwire.toml, for editors and checks, drawn from the declarations. Draft 2020-12."""

from collections.abc import Sequence
from typing import Any

import msgspec

from leadwire.config.declared import (
    DestinationSettings,
    Egress,
    Identity,
    Retention,
    Server,
    SourceSettings,
    StoreSettings,
    SyncSettings,
)
from leadwire.config.shape import Field, fields_of, shape_of
from leadwire.sdk.connector import Connector
from leadwire.sdk.settings import Duration, Rate, Secret

NAME_PATTERN = "^[a-z0-9_-]{1,40}$"
SECTIONS: dict[str, type[msgspec.Struct]] = {
    "server": Server,
    "store": StoreSettings,
    "identity": Identity,
    "egress": Egress,
    "retention": Retention,
}
_REFERENCE = {"type": "string", "pattern": r"\$\{[A-Za-z_][A-Za-z0-9_]*\}"}


def json_schema(connectors: Sequence[Connector]) -> dict[str, Any]:
    """The schema of the whole file; sources and destinations are one of the given connectors."""
    properties = {name: _table(fields_of(struct), struct.__doc__) for name, struct in SECTIONS.items()}
    for section, shared, role in (
        ("sources", SourceSettings, "source"),
        ("destinations", DestinationSettings, "destination"),
    ):
        kinds = [
            _table(shared_fields(shared, connector), connector.title, {"type": {"const": connector.type_name}})
            for connector in connectors
            if getattr(connector, role) is not None
        ]
        properties[section] = _by_name({"oneOf": kinds} if kinds else {"type": "object"})
    properties["syncs"] = _by_name(_table(fields_of(SyncSettings), SyncSettings.__doc__))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "leadwire.toml",
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }


def shared_fields(shared: type[msgspec.Struct], connector: Connector) -> list[Field]:
    """All settings of a source or destination of this type: its own, and the shared ones that it does not declare itself."""
    own = fields_of(connector.settings)
    names = {field.name for field in own}
    every = fields_of(shared)
    first = [field for field in every if field.name == "type"]
    return [*first, *own, *(field for field in every if field.name not in {*names, "type"})]


def plain_default(field: Field) -> Any:
    """A default as TOML has it; None for secrets and where there is none to show."""
    default = field.default
    if isinstance(default, Duration | Rate):
        return default.text
    if isinstance(default, tuple | frozenset):
        default = list(default)
    if default is None or isinstance(default, Secret) or field.shape.is_secret:
        return None
    return msgspec.to_builtins(default)


def _by_name(table: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "propertyNames": {"pattern": NAME_PATTERN}, "additionalProperties": table}


def _table(
    fields: Sequence[Field], description: str | None, fixed: dict[str, dict[str, Any]] | None = None
) -> dict[str, Any]:
    properties = {field.name: _property(field) for field in fields}
    for name, more in (fixed or {}).items():
        properties[name] = {**properties[name], **more}
    table: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
    required = [field.name for field in fields if field.is_required]
    if required:
        table["required"] = required
    if description:
        table["description"] = description
    return table


def _property(field: Field) -> dict[str, Any]:
    described: dict[str, Any] = {}
    if field.label:
        described["title"] = field.label
    if field.help:
        described["description"] = field.help
    default = plain_default(field)
    if default is not None:
        described["default"] = default
    return {**_of_kind(field.kind), **described}


def _of_kind(kind: Any) -> dict[str, Any]:
    shape = shape_of(kind)
    if shape.form == "struct":
        return _table(fields_of(shape.inner), shape.inner.__doc__)
    if shape.form == "list":
        return {"type": "array", "items": _of_kind(shape.inner)}
    if shape.form == "dict":
        return {"type": "object", "additionalProperties": _of_kind(shape.inner)}
    if shape.kind in (Secret, Duration, Rate):
        return _text_of(shape.kind)
    drawn = msgspec.json.schema(kind)
    drawn.pop("$defs", None)
    if shape.is_optional and isinstance(drawn.get("anyOf"), list):
        drawn["anyOf"] = [choice for choice in drawn["anyOf"] if choice != {"type": "null"}]
    if drawn.get("type") in ("integer", "number", "boolean"):
        words: dict[str, Any] = {name: drawn.pop(name) for name in ("title", "description") if name in drawn}
        return {"anyOf": [drawn, _REFERENCE], **words}
    return drawn


def _text_of(kind: Any) -> dict[str, Any]:
    if kind is Secret:
        return {"type": "string", "writeOnly": True}
    example = (
        {"pattern": r"^\d+(\.\d+)?(ms|s|m|h|d)$|\$\{"}
        if kind is Duration
        else {"pattern": r"^\d+(\.\d+)?/(s|m|h|d)$|\$\{"}
    )
    return {"type": "string", **example}
