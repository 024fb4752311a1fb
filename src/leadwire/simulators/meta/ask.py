"""A Graph request, read: which object, which edge, which parameters, whose token."""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import parse_qsl, unquote, urlencode

import msgspec

from leadwire.model.times import Instant
from leadwire.simulators.exchange import WorldRequest
from leadwire.simulators.meta.refusal import bad_parameter, unknown_path

VERSIONS = ("v20.0", "v21.0", "v22.0", "v23.0", "v24.0", "v25.0", "v26.0")
_DIGITS_MAX = 18


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Whose token it is. A page token acts for one page, a user token for all, an app token for the app."""

    kind: Literal["page", "user", "app"]
    token: str
    page_id: str | None = None


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """One Graph call, alone or from a batch. `object_id` and `edge` are empty where the path has none."""

    method: str
    object_id: str
    edge: str
    params: Mapping[str, str]
    now: Instant
    version: str
    base_url: str
    bearer: str = ""

    @property
    def token(self) -> str:
        """The access token from the parameters, else from the Authorization header."""
        return self.params.get("access_token") or self.bearer

    def integer(self, name: str, default: int) -> int:
        """A whole number parameter; refused if it is none."""
        text = self.params.get(name, "")
        if not text:
            return default
        if not text.isdecimal() or len(text) > _DIGITS_MAX:
            raise bad_parameter(f"Param {name} must be an integer")
        return int(text)

    def json(self, name: str) -> Any:
        """A JSON parameter, None when absent; refused if it is no JSON."""
        text = self.params.get(name)
        if text is None:
            return None
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            raise bad_parameter(f"Param {name} must be valid JSON") from None

    def url_of_next(self, after: str) -> str:
        """The whole URL of the next page, token included, as Meta writes it."""
        params = {**self.params, "access_token": self.token, "after": after}
        path = f"{self.object_id}/{self.edge}"
        return f"{self.base_url}/{self.version}/{path}?{urlencode(params)}"


def read_request(request: WorldRequest, now: Instant) -> Ask:
    """The outer call of an HTTP request; raises Refused for a path deeper than an edge."""
    params = dict(parse_qsl(request.query, keep_blank_values=True))
    params.update(_body_params(request))
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    host = request.headers.get("host", "graph.facebook.com")
    is_local = host.startswith(("127.", "localhost", "[::1]"))
    return _ask(
        request.method,
        request.path,
        params,
        Ask(
            method="",
            object_id="",
            edge="",
            params={},
            now=now,
            version=VERSIONS[0],
            base_url=f"{'http' if is_local else 'https'}://{host}",
            bearer=bearer.strip() if scheme.lower() in {"bearer", "oauth"} else "",
        ),
    )


def read_item(item: Mapping[str, Any], outer: Ask) -> Ask:
    """One call of a batch; it falls back to the token and the version of the outer call."""
    path, _, query = str(item.get("relative_url", "")).partition("?")
    params = dict(parse_qsl(query, keep_blank_values=True))
    params.update(parse_qsl(str(item.get("body") or ""), keep_blank_values=True))
    for name in ("access_token", "appsecret_proof"):
        if name in outer.params:
            params.setdefault(name, outer.params[name])
    return _ask(str(item.get("method", "GET")).upper(), path, params, outer)


def encode_cursor(order: int, *, follows_empty: bool) -> str:
    """An opaque cursor that stands before the lead of this order."""
    return base64.urlsafe_b64encode(f"{'e' if follows_empty else 'o'}{order}".encode()).decode()


def decode_cursor(text: str) -> tuple[int, bool]:
    """The order and whether the page that gave the cursor was empty; refused if it is none of ours."""
    try:
        decoded = base64.urlsafe_b64decode(text).decode()
        return int(decoded[1:]), decoded[0] == "e"
    except (binascii.Error, ValueError, IndexError):
        raise bad_parameter("Invalid parameter: after") from None


def _body_params(request: WorldRequest) -> dict[str, str]:
    if not request.body:
        return {}
    if "json" not in request.headers.get("content-type", ""):
        return dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
    try:
        decoded = json.loads(request.body)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(decoded, dict):
        return {}
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in decoded.items()}


def _ask(method: str, path: str, params: Mapping[str, str], outer: Ask) -> Ask:
    segments = [unquote(segment) for segment in path.split("/") if segment]
    version = outer.version
    if segments and segments[0][:1] == "v" and segments[0][1:2].isdecimal():
        asked = segments.pop(0)
        version = asked if asked in VERSIONS else VERSIONS[0]
    if len(segments) > 2:
        raise unknown_path("/".join(segments[1:]))
    return msgspec.structs.replace(
        outer,
        method=method,
        object_id=segments[0] if segments else "",
        edge=segments[1] if len(segments) > 1 else "",
        params=params,
        version=version,
    )
