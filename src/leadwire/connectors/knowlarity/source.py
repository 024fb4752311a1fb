"""The Knowlarity source: the door for its post-call pushes."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from leadwire.connectors.knowlarity.call import Reading, read_call
from leadwire.connectors.knowlarity.settings import KnowlaritySettings, read_zone
from leadwire.sdk import (
    Fields,
    Parsed,
    PayloadInvalid,
    RawRequest,
    SignatureInvalid,
    Tools,
    Unreadable,
    is_any_of,
    is_json,
    read_form,
    read_json,
    read_query,
)

DOOR_HEADER = "x-leadwire-token"
DOOR_PARAMETER = "token"
DEFAULT_REGION = "IN"
_WRAPPERS = ("data", "payload", "objects", "calls")
_DEPTH_MAX = 3


class Knowlarity:
    """Takes pushes as JSON, form or query. Knowlarity signs nothing, so a secret token in the URL or a header is the proof."""

    def __init__(self, settings: KnowlaritySettings, tools: Tools) -> None:
        self._token = settings.webhook_token.reveal() if settings.webhook_token else ""
        self._zone = read_zone(settings.timezone)
        self._region = tools.region or DEFAULT_REGION

    def verify(self, request: RawRequest) -> None:
        """Raises SignatureInvalid unless the token stands exactly once, as `?token=` or in X-Leadwire-Token, and is ours."""
        presented = [value for name, value in request.headers if name == DOOR_HEADER]
        try:
            presented += read_query(request.query).get(DOOR_PARAMETER, [])
        except PayloadInvalid:
            raise SignatureInvalid("the query can't be read") from None
        if len(presented) != 1:
            raise SignatureInvalid("the token is missing or given twice")
        if not is_any_of(presented[0], [self._token]):
            raise SignatureInvalid("the token does not match webhook_token")

    def parse(self, request: RawRequest) -> Iterable[Parsed]:
        """Every call of the push. Raises PayloadInvalid where it holds nothing that could be one."""
        reading = Reading(zone=self._zone, region=self._region, received_at=request.received_at)
        parsed = [read_call(raw, reading) if raw else Unreadable("a call is no object") for raw in self._calls(request)]
        if not parsed:
            raise PayloadInvalid("the push holds no call")
        return parsed

    def _calls(self, request: RawRequest) -> Iterator[Mapping[str, Any]]:
        if is_json(request):
            yield from _unwrapped(read_json(request.body), _DEPTH_MAX)
            return
        fields = read_form(request) if request.body.strip() else read_query(request.query)
        wrapped = _json_field(fields)
        if wrapped is not None:
            yield from _unwrapped(read_json(wrapped), _DEPTH_MAX)
            return
        single = {name: values[0] for name, values in fields.items() if name != DOOR_PARAMETER}
        if single:
            yield single


def _unwrapped(payload: object, depth: int) -> Iterator[Mapping[str, Any]]:
    """The calls of a payload: itself, its list, or what an envelope such as `{"data": {…}}` holds. Anything else becomes an empty one."""
    if depth == 0:
        yield {}
    elif isinstance(payload, list):
        for item in payload:
            yield from _unwrapped(item, depth - 1)
    elif isinstance(payload, dict):
        inner = next((payload[name] for name in _WRAPPERS if isinstance(payload.get(name), dict | list)), None)
        if inner is None:
            yield payload
        elif isinstance(inner, dict) and "timestamp" in payload:
            yield {"event_date_local": payload["timestamp"], **inner}
        else:
            yield from _unwrapped(inner, depth - 1)
    else:
        yield {}


def _json_field(fields: Fields) -> bytes | None:
    """A form that holds the whole call as JSON in one field."""
    for name in (*_WRAPPERS, "json"):
        values = fields.get(name, [])
        if len(values) == 1 and values[0].lstrip()[:1] in {"{", "["}:
            return values[0].encode("utf-8", "surrogatepass")
    return None
