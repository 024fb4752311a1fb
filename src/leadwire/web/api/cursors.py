"""Cursors are opaque: whoever pages hands back what they were given."""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Annotated, Final, TypeVar

from litestar.params import QueryParameter

from leadwire.web.gate import Turned

LIMIT_DEFAULT: Final = 50
LIMIT_MAX: Final = 500

Limit = Annotated[int, QueryParameter(ge=1, le=LIMIT_MAX, description="At most so many items.", required=False)]
After = Annotated[
    str | None,
    QueryParameter(max_length=2_000, description="The `next` of the page before.", required=False),
]

_Item = TypeVar("_Item")


def to_cursor(place: str) -> str:
    """The cursor of a place."""
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def from_cursor(cursor: str | None) -> str | None:
    """The place of a cursor; None for none. Raises Turned for what we never gave."""
    if not cursor:
        return None
    try:
        place = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError, ValueError) as error:
        raise Turned("invalid", "after: this cursor is not one of ours") from error
    if "\x00" in place or to_cursor(place) != cursor:
        raise Turned("invalid", "after: this cursor is not one of ours")
    return place


def cut(found: Sequence[_Item], limit: int, place: Callable[[_Item], str]) -> tuple[Sequence[_Item], str | None]:
    """The first `limit` of one more than that, and the cursor of the next page where there is more."""
    items = found[:limit]
    return items, to_cursor(place(items[-1])) if len(found) > limit else None
