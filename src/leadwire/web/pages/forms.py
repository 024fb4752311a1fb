"""Forms as browsers send them: names with one or more values, all text."""

from typing import Any, Final
from urllib.parse import parse_qsl

from litestar.connection import Request

from leadwire.web.gate import Turned

FIELDS_MAX: Final = 2_000
TEXT_MAX: Final = 2_000


class Form:
    """What a form sent."""

    def __init__(self, fields: list[tuple[str, str]]) -> None:
        self._fields = fields

    def one(self, name: str) -> str:
        """The last value of this name; "" where there is none."""
        return next((value for key, value in reversed(self._fields) if key == name), "")

    def all(self, name: str) -> list[str]:
        """All its values that are not empty."""
        return [value for key, value in self._fields if key == name and value]


async def read_form(request: Request[Any, Any, Any]) -> Form:
    """The URL-encoded body of a request. Raises Turned where it is none."""
    body = await request.body()
    try:
        fields = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=FIELDS_MAX, errors="strict")
    except (UnicodeError, ValueError) as error:
        raise Turned("bad-request", "This form can't be read.") from error
    if any("\x00" in value or len(value) > TEXT_MAX for _, value in fields):
        raise Turned("bad-request", "This form can't be read.")
    return Form(fields)
