"""Reading the bodies that sources push: JSON, urlencoded and multipart forms. Whatever arrives, the answer is values or PayloadInvalid."""

import codecs
from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

import msgspec
from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from leadwire.model.errors import PayloadInvalid
from leadwire.model.event import RawRequest

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

FIELDS_MAX = 1_000
Fields = dict[str, list[str]]


def read_json(body: bytes) -> object:
    """The JSON value of a body, big integers exact; raises PayloadInvalid for anything else, however deep or broken."""
    try:
        return msgspec.json.decode(body.removeprefix(codecs.BOM_UTF8))
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise PayloadInvalid(f"the body is no readable JSON ({type(error).__name__})") from None


def read_query(query: bytes) -> Fields:
    """The parameters of a query or an urlencoded body, each with all its values; raises PayloadInvalid past 1,000 of them."""
    try:
        pairs = parse_qsl(query.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=FIELDS_MAX)
    except ValueError:
        raise PayloadInvalid(f"the form has more than {FIELDS_MAX} fields") from None
    return _gathered(pairs)


def read_form(request: RawRequest) -> Fields:
    """The fields of a multipart or urlencoded body; of an uploaded file only its name is kept. Raises PayloadInvalid."""
    media_type, boundary = _media_type(request)
    if media_type != "multipart/form-data":
        return read_query(request.body)
    if not boundary:
        raise PayloadInvalid("the multipart form names no boundary")
    parts = _Parts()
    try:
        parser = MultipartParser(boundary.encode("latin-1"), parts.callbacks())
        parser.write(request.body)
        parser.finalize()
    except MultipartParseError as error:
        raise PayloadInvalid(f"the multipart form is broken ({type(error).__name__})") from None
    if not parts.has_ended:
        raise PayloadInvalid("the multipart form is cut off")
    return _gathered(parts.fields)


def is_json(request: RawRequest) -> bool:
    """True where the body looks like a JSON object or list, whatever its Content-Type says (senders lie)."""
    return request.body.removeprefix(codecs.BOM_UTF8).lstrip()[:1] in {b"{", b"["}


def text_of(value: object) -> str | None:
    """A scalar as text, trimmed; None for null, blank, objects and lists. True and false become "true" and "false"."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return value.strip() or None
        case int():
            return str(value) if value.bit_length() <= 4_096 else None
        case float():
            return str(int(value)) if value.is_integer() and abs(value) < 1e15 else str(value)
        case _:
            return None


class _Parts:
    """Gathers the parts of a multipart body as python-multipart reports them."""

    def __init__(self) -> None:
        self.fields: list[tuple[str, str]] = []
        self.has_ended = False
        self._header_name = bytearray()
        self._header_value = bytearray()
        self._disposition = ""
        self._data = bytearray()

    def callbacks(self) -> "MultipartCallbacks":
        return {
            "on_part_begin": self._begin,
            "on_header_field": lambda data, start, end: self._header_name.extend(data[start:end]),
            "on_header_value": lambda data, start, end: self._header_value.extend(data[start:end]),
            "on_header_end": self._header_ends,
            "on_part_data": lambda data, start, end: self._data.extend(data[start:end]),
            "on_part_end": self._end,
            "on_end": self._finish,
        }

    def _begin(self) -> None:
        self._disposition = ""
        self._data.clear()

    def _header_ends(self) -> None:
        if self._header_name.lower() == b"content-disposition":
            self._disposition = self._header_value.decode("latin-1")
        self._header_name.clear()
        self._header_value.clear()

    def _end(self) -> None:
        _, options = parse_options_header(self._disposition)
        name, file_name = options.get(b"name"), options.get(b"filename")
        if name is None:
            return
        if len(self.fields) >= FIELDS_MAX:
            raise PayloadInvalid(f"the form has more than {FIELDS_MAX} fields")
        self.fields.append((_text(name), _text(bytes(self._data) if file_name is None else file_name)))

    def _finish(self) -> None:
        self.has_ended = True


def _media_type(request: RawRequest) -> tuple[str, str]:
    header = (request.header("content-type") or "").encode("utf-8", "surrogatepass").decode("latin-1")
    media_type, options = parse_options_header(header)
    return media_type.decode("latin-1").strip(), options.get(b"boundary", b"").decode("latin-1")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _gathered(pairs: Iterable[tuple[str, str]]) -> Fields:
    fields: Fields = {}
    for name, value in pairs:
        fields.setdefault(name, []).append(value)
    return fields
