"""The reference page of all settings (docs/configuration.md), drawn from the declarations."""

import json
import types
from collections.abc import Iterable, Sequence
from typing import Any, Literal, Union, get_args, get_origin

from leadwire.config.declared import DestinationSettings, SourceSettings, SyncSettings
from leadwire.config.schema import SECTIONS, plain_default, shared_fields
from leadwire.config.shape import Field, Shape, bare, fields_of, shape_of
from leadwire.sdk.connector import Connector
from leadwire.sdk.settings import Duration, Rate, Secret

_HEAD = """\
# Configuration

<!-- Drawn by `leadwire schema --markdown` from the declarations of the settings; a test compares the two. -->

leadwire reads `leadwire.toml` in the working folder, or the file that `--config` names. `leadwire check` says everything
that is wrong with it: file, key, value and fix. `leadwire schema` prints its JSON Schema for editors.

- `${NAME}` in any text is filled from the environment; `$${NAME}` stays as `${NAME}`. A variable that is not set is an error.
- A secret may be `file:/path`: the file's text, without the white space around it. A relative path starts at the folder of `leadwire.toml`.
- Relative files in `sqlite:///…` and `duckdb:///…` start there too; four slashes make an absolute path.
- Durations are `"500ms"`, `"30s"`, `"5m"`, `"2h"` or `"7d"`. Rates are `"10/s"`, `"1200/m"`.
- Names of sources, destinations and syncs have 1 to 40 small letters, digits, `_` and `-`.
- An unknown setting is refused, with the nearest right name.
"""
_WORDS: dict[Any, str] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    Secret: "secret",
    Duration: "duration",
    Rate: "rate",
}


def markdown(connectors: Sequence[Connector]) -> str:
    """The whole page."""
    parts = [_HEAD]
    for name, struct in SECTIONS.items():
        parts.append(_section(f"## `[{name}]`", struct.__doc__, fields_of(struct)))
    parts.append(_section("## `[sources.NAME]`", SourceSettings.__doc__, fields_of(SourceSettings)))
    parts.extend(_kinds(connectors, "source"))
    parts.append(_section("## `[destinations.NAME]`", DestinationSettings.__doc__, fields_of(DestinationSettings)))
    parts.extend(_kinds(connectors, "destination"))
    parts.append(_section("## `[syncs.NAME]`", SyncSettings.__doc__, fields_of(SyncSettings)))
    return "\n".join(parts)


def settings_of(connectors: Iterable[Connector]) -> list[str]:
    """The name of every setting there is, those inside of lists of tables too."""
    structs: list[Any] = [*SECTIONS.values(), SourceSettings, DestinationSettings, SyncSettings]
    structs += [connector.settings for connector in connectors]
    return sorted({field.name for struct in structs for field, _ in _flat(fields_of(struct), "")})


def _kinds(connectors: Sequence[Connector], role: str) -> Iterable[str]:
    shared = SourceSettings if role == "source" else DestinationSettings
    names = {field.name for field in fields_of(shared)}
    for connector in connectors:
        if getattr(connector, role) is None:
            continue
        own = fields_of(connector.settings)
        fields = [field for field in shared_fields(shared, connector) if field in own or field.name not in names]
        doc = (connector.settings.__doc__ or "").strip()
        yield _section(f'### `type = "{connector.type_name}"` ({role})', f"{connector.title}. {doc}".strip(), fields)


def _section(title: str, text: str | None, fields: Sequence[Field]) -> str:
    rows = [f"{title}\n", f"{(text or '').strip()}\n"]
    if fields:
        rows += ["| setting | takes | default | what it is for |", "| --- | --- | --- | --- |"]
        rows += [_row(field, name) for field, name in _flat(fields, "")]
    return "\n".join(rows) + "\n"


def _flat(fields: Iterable[Field], before: str) -> Iterable[tuple[Field, str]]:
    for field in fields:
        name = f"{before}{field.name}"
        yield field, name
        shape = field.shape
        inner = shape_of(shape.inner) if shape.form in ("list", "dict") else shape
        if inner.form == "struct":
            mark = {"list": "[]", "dict": ".NAME"}.get(shape.form, "")
            yield from _flat(fields_of(inner.inner), f"{name}{mark}.")


def _row(field: Field, name: str) -> str:
    default = plain_default(field)
    shown = "**required**" if field.is_required else "" if default in (None, "", [], {}) else f"`{json.dumps(default)}`"
    label = f"{field.label}. " if field.label else ""
    return f"| `{name}` | {_takes(field.shape)} | {shown} | {_cell(label + field.help)} |"


def _takes(shape: Shape) -> str:
    if shape.form == "struct":
        return "table"
    if shape.form == "list":
        return f"list of {_takes(shape_of(shape.inner))}s".replace("true or falses", "true or false")
    if shape.form == "dict":
        return f"table of {_takes(shape_of(shape.inner))}s"
    origin = get_origin(shape.kind)
    if origin is Literal:
        return " or ".join(f"`{json.dumps(choice)}`" for choice in get_args(shape.kind))
    if origin in (Union, types.UnionType):
        members = [member for member in get_args(shape.kind) if member is not type(None)]
        return " or ".join(_takes(shape_of(member)) for member in members)
    return _WORDS.get(bare(shape.kind), "value")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
