"""What of a lead a destination gets, and which leads it wants: JMESPath (jmespath.org), the standard functions only."""

import collections.abc
import difflib
import warnings
from collections.abc import Iterator
from typing import Any

import jmespath
from jmespath.exceptions import (
    EmptyExpressionError,
    IncompleteExpressionError,
    JMESPathError,
    JMESPathTypeError,
    LexerError,
    ParseError,
)
from jmespath.functions import TYPES_MAP, Functions
from jmespath.lexer import Lexer

from leadwire.model.errors import LeadwireError

QUOTED_CHARACTERS_MAX = 200

_COMPARATORS = frozenset({"eq", "ne", "lt", "lte", "gt", "gte"})
_CONSTANTS = frozenset({"true", "false", "null"})
_RUN_TIME_ERRORS = (
    JMESPathError,
    TypeError,
    ValueError,
    ArithmeticError,
    LookupError,
    AttributeError,
    RecursionError,
)


class MappingInvalid(LeadwireError):
    """An expression can't be worked out for this lead."""


class _Expression:
    """One compiled expression. A plain path of names is walked directly, some ten times faster than the interpreter."""

    __slots__ = ("_parsed", "_path", "place", "text")

    def __init__(self, place: str, text: str) -> None:
        self.place = place
        self.text = text
        try:
            with warnings.catch_warnings():
                # `fb` in backticks instead of 'fb': JMESPath reads it as a string and only advises against it
                warnings.simplefilter("ignore", PendingDeprecationWarning)
                self._parsed = jmespath.compile(text)
                tree: dict[str, Any] = {**self._parsed.parsed}
                wrong = next(_mistakes(text, tree), None)
        except (JMESPathError, RecursionError) as error:
            raise ValueError(self._complaint(_what_is_wrong(error))) from error
        if wrong is not None:
            raise ValueError(self._complaint(wrong))
        self._path = _plain_path(tree)

    def of(self, document: dict[str, Any]) -> Any:
        """The value; raises MappingInvalid without telling any of the lead's values."""
        if self._path is None:
            try:
                return self._parsed.search(document)
            except JMESPathTypeError as error:
                expected = " or ".join(error.expected_types)
                found = TYPES_MAP.get(error.actual_type, error.actual_type)
                what = f"{error.function_name}() takes {expected}, and this lead has {found} there"
                raise MappingInvalid(self._complaint(what)) from None  # its text would tell the value
            except _RUN_TIME_ERRORS as error:
                what = f"it can't be worked out for this lead ({type(error).__name__})"
                raise MappingInvalid(self._complaint(what)) from None
        value: Any = document
        for name in self._path:
            if not isinstance(value, dict):
                return None
            value = value.get(name)
        return value

    def _complaint(self, what: str) -> str:
        text = self.text if len(self.text) <= QUOTED_CHARACTERS_MAX else self.text[:QUOTED_CHARACTERS_MAX] + "…"
        return f"{self.place}: in `{text}` {what}"


class Mapping:
    """A sync's filter and fields, compiled once. Immutable; equal where the texts are equal."""

    __slots__ = ("_fields", "_texts", "_where")

    def __init__(self, fields: dict[str, _Expression] | None, where: _Expression | None) -> None:
        self._fields = fields
        self._where = where
        self._texts = (
            None if fields is None else tuple((name, expression.text) for name, expression in fields.items()),
            None if where is None else where.text,
        )

    @classmethod
    def compile(cls, fields: collections.abc.Mapping[str, str] | None, where: str | None) -> "Mapping":
        """`fields` has an expression per target field (None: the whole lead), `where` decides which leads (None: all).

        Raises ValueError that names the place ("where" or "fields.NAME"), quotes the expression and says what is wrong:
        what JMESPath can't read, an unknown function, a wrong number of arguments, and what JMESPath would read but never
        as it was meant (`is_test == false` and `platform == "fb"` compare with fields of these names).
        """
        compiled = None
        if fields is not None:
            compiled = {name: _Expression(f"fields.{name}", text) for name, text in fields.items()}
        return cls(compiled, None if where is None else _Expression("where", where))

    @property
    def has_fields(self) -> bool:
        """Whether `apply` makes something else of a lead document."""
        return self._fields is not None

    def wants(self, document: dict[str, Any]) -> bool:
        """Whether the lead passes the filter, by JMESPath's truth: null, false, "", [] and {} are false; 0 is true.

        Raises MappingInvalid where the filter can't be worked out for this lead: such a lead must be shown, not skipped.
        """
        return self._where is None or _is_true(self._where.of(document))

    def apply(self, document: dict[str, Any]) -> dict[str, Any]:
        """A new object with the target fields in their order, null where the lead has no value; the document itself without fields.

        Values may be parts of the document: change neither. Raises MappingInvalid where a field can't be worked out for this lead.
        """
        if self._fields is None:
            return document
        return {name: expression.of(document) for name, expression in self._fields.items()}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Mapping) and other._texts == self._texts

    def __hash__(self) -> int:
        return hash(self._texts)

    def __repr__(self) -> str:
        fields, where = self._texts
        return f"Mapping(fields={fields and dict(fields)!r}, where={where!r})"


def _is_true(value: Any) -> bool:
    if value is None or value is False:
        return False
    return not (isinstance(value, str | list | dict) and not value)


def _plain_path(tree: dict[str, Any]) -> tuple[str, ...] | None:
    if tree["type"] == "field":
        return (tree["value"],)
    if tree["type"] == "subexpression":
        parts = [_plain_path(child) for child in tree["children"]]
        return None if None in parts else tuple(name for part in parts if part for name in part)
    return None


def _what_is_wrong(error: JMESPathError | RecursionError) -> str:
    match error:
        case EmptyExpressionError():
            return "there is no expression"
        case IncompleteExpressionError():
            return "something is missing at the end"
        case LexerError():
            return f"nothing can be made of what stands at position {error.lexer_position + 1}: {error.message}"
        case ParseError():
            return f'"{error.token_value}" at position {error.lex_position + 1} is not what can stand there'
        case RecursionError():
            return "too much is nested"
        case _:
            return str(error)


def _mistakes(text: str, tree: dict[str, Any]) -> Iterator[str]:
    """What JMESPath would find out at the first lead only, or never."""
    yield from _misread_constants(text)
    if tree["type"] == "expref":
        yield "& stands outside a function's arguments"
    yield from _mistakes_in(tree)


def _mistakes_in(node: dict[str, Any]) -> Iterator[str]:
    children = node["children"]
    if node["type"] == "slice":
        if children[2] == 0:
            yield "a slice has step 0"
        return
    if node["type"] == "function_expression":
        yield from _wrong_call(node["value"], [child["type"] for child in children])
    elif any(child["type"] == "expref" for child in children):
        yield "& stands outside a function's arguments"
    for child in children:
        yield from _mistakes_in(child)


def _wrong_call(name: str, arguments: list[str]) -> Iterator[str]:
    known = Functions.FUNCTION_TABLE.get(name)
    if known is None:
        near = difflib.get_close_matches(name, Functions.FUNCTION_TABLE, n=1)
        yield f"there is no function {name}()" + (f"; the nearest is {near[0]}()" if near else "")
        return
    signature = known["signature"]
    is_open = bool(signature) and signature[-1].get("variadic", False)
    if len(arguments) < len(signature) or (len(arguments) > len(signature) and not is_open):
        least = "at least " if is_open else ""
        plural = "" if len(signature) == 1 else "s"
        yield f"{name}() takes {least}{len(signature)} argument{plural} and gets {len(arguments)}"
        return
    for position, kind in enumerate(arguments):
        wants_expression = "expref" in signature[min(position, len(signature) - 1)]["types"]
        if wants_expression != (kind == "expref"):
            verb = "must" if wants_expression else "must not"
            yield f"argument {position + 1} of {name}() {verb} begin with &"


def _misread_constants(text: str) -> Iterator[str]:
    """Names beside a comparison that were meant as constants: they would be fields that no lead has, and no lead would pass."""
    tokens = [token for token in Lexer().tokenize(text) if token["type"] != "eof"]
    for position, token in enumerate(tokens):
        beside = [tokens[at]["type"] for at in (position - 1, position + 1) if 0 <= at < len(tokens)]
        if "dot" in beside or not _COMPARATORS.intersection(beside):
            continue
        value = str(token["value"])
        if token["type"] == "unquoted_identifier" and value in _CONSTANTS:
            yield f"{value} is the name of a field: the constant is written `{value}`, in backticks"
        elif token["type"] == "quoted_identifier" and value.isidentifier() and value.isascii():
            yield f"\"{value}\" is the name of a field: a text is written '{value}' (a field of that name {value}, without quotes)"
