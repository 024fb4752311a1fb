"""The shape of a settings struct: its fields with their label, help, default and secrecy, whatever they are wrapped in.

The decoder, the JSON Schema and the reference page all read a settings struct through this module.
"""

import types
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec

from leadwire.sdk.settings import Secret

Form = Literal["struct", "list", "dict", "leaf"]


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """A type seen through Annotated and "| None". `inner` is the struct, or the type of a list's or dict's values."""

    form: Form
    kind: Any
    inner: Any = None
    is_optional: bool = False

    @property
    def is_secret(self) -> bool:
        """Whether a value of this type, or inside it, is secret."""
        if self.form in ("list", "dict"):
            return shape_of(self.inner).is_secret
        return self.kind is Secret


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """A setting: `name` as it stands in the file, and what its declaration says of it."""

    name: str
    attribute: str
    kind: Any
    shape: Shape
    label: str = ""
    help: str = ""
    is_required: bool = False
    default: Any = None


def bare(kind: Any) -> Any:
    """A type without Annotated."""
    while get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    return kind


def shape_of(kind: Any) -> Shape:
    """How a value of this type is put together."""
    inside, is_optional = _without_none(bare(kind))
    origin, arguments = get_origin(inside), get_args(inside)
    if isinstance(inside, type) and issubclass(inside, msgspec.Struct):
        return Shape(form="struct", kind=inside, inner=inside, is_optional=is_optional)
    if origin in (list, tuple, frozenset) and arguments and (origin is not tuple or arguments[1:] == (...,)):
        return Shape(form="list", kind=origin, inner=arguments[0], is_optional=is_optional)
    if origin is dict:
        return Shape(form="dict", kind=dict, inner=arguments[1], is_optional=is_optional)
    return Shape(form="leaf", kind=inside, is_optional=is_optional)


def _without_none(kind: Any) -> tuple[Any, bool]:
    if get_origin(kind) not in (Union, types.UnionType):
        return kind, False
    members = [member for member in get_args(kind) if member is not type(None)]
    if len(members) == 1:
        return bare(members[0]), True
    return kind, len(members) < len(get_args(kind))


def fields_of(struct: type[msgspec.Struct]) -> tuple[Field, ...]:
    """The settings that a struct declares, in its order."""
    return tuple(_field(info) for info in msgspec.structs.fields(struct))


def _field(info: msgspec.structs.FieldInfo) -> Field:
    label, help_text = words_of(info.type)
    default = info.default
    if default is msgspec.NODEFAULT and info.default_factory is not msgspec.NODEFAULT:
        default = info.default_factory()
    return Field(
        name=info.encode_name,
        attribute=info.name,
        kind=info.type,
        shape=shape_of(info.type),
        label=label,
        help=help_text,
        is_required=info.required,
        default=None if default is msgspec.NODEFAULT else default,
    )


def words_of(kind: Any) -> tuple[str, str]:
    """The label and the help that a type carries; empty where it has none."""
    label = help_text = ""
    while get_origin(kind) is Annotated:
        kind, *notes = get_args(kind)
        for note in notes:
            if isinstance(note, msgspec.Meta):
                label, help_text = note.title or label, note.description or help_text
    return label, help_text
