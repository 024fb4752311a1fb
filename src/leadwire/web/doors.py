"""The webhook entrance: raw ASGI in front of everything else, because it has to be fast and to trust nothing.

In order: known source, allowed method, bounded body, verified bytes, stored and fsynced, and only then a 2xx.
"""

import itertools
import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from typing import Any, Final, Literal, Protocol, TypeVar

import msgspec

from leadwire.engine.refusals import Refusal, Refusals
from leadwire.model.errors import PayloadInvalid, SignatureInvalid, StorageFailed, StorageFull
from leadwire.model.event import NewEvent, RawRequest
from leadwire.ports.clock import Clock
from leadwire.rules.dedup import dedup_key
from leadwire.rules.inflate import DecodedTooLarge, EncodingBroken, EncodingUnknown, inflate
from leadwire.sdk.source import DeduplicatingPush, DoorAnswer, Handshaking, PushSource
from leadwire.web.limits import DoorLimits
from leadwire.web.problem import CONTENT_TYPE, encode, problem

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

_Answer = TypeVar("_Answer")

PREFIX: Final = "/webhooks/"

_REDACTED: Final = "redacted"
_SECRET_HEADERS: Final = frozenset({"authorization", "proxy-authorization", "cookie", "x-leadwire-token"})
_SECRET_QUERY: Final = re.compile(rb"(?i)(^|&)([^=&]*token|secret|api_?key|password)=[^&]*")


class Accepting(Protocol):
    """Stores an event durably before it answers."""

    async def accept(self, event: NewEvent) -> Literal["stored", "duplicate"]:
        """Raises StorageFull or StorageFailed."""
        ...


class _Refused(Exception):
    """This request ends here with a problem; `reason` is counted."""

    def __init__(self, slug: str, reason: str, detail: str, body_bytes: int = 0) -> None:
        super().__init__(detail)
        self.slug = slug
        self.reason = reason
        self.detail = detail
        self.body_bytes = body_bytes


class _ClientGone(Exception):
    """The client went away before its request was whole."""


class _Door(msgspec.Struct, frozen=True):
    """What a source can do, looked up once. `collapses_identical`: see rules/dedup.py."""

    name: str
    verify: Callable[[RawRequest], None]
    push_id: Callable[[RawRequest], str | None] | None
    handshake: Callable[[RawRequest], DoorAnswer | None] | None
    collapses_identical: bool


def _door(name: str, source: object) -> _Door | None:
    if not isinstance(source, PushSource):
        return None
    return _Door(
        name=name,
        verify=source.verify,
        push_id=source.push_id if isinstance(source, DeduplicatingPush) else None,
        handshake=source.handshake if isinstance(source, Handshaking) else None,
        collapses_identical=bool(getattr(source, "collapse_identical", True)),
    )


def _plain(status: int, content_type: bytes, body: bytes, *extra: tuple[bytes, bytes]) -> tuple[Message, Message]:
    headers = [(b"content-type", content_type), (b"content-length", b"%d" % len(body)), *extra]
    return (
        {"type": "http.response.start", "status": status, "headers": headers},
        {"type": "http.response.body", "body": body},
    )


class Doors:
    """The ASGI application at the front. `/webhooks/<source name>` is answered here; everything else goes to `inner`.

    A source's signature is checked over the bytes as received; where that fails and the body came gzip or deflate
    encoded, over the decoded ones. The decoded body is what is stored, for that is what can be parsed. Stored headers
    and query carry no credentials. A body too deep or too odd to parse is stored like any other once its signature
    holds: it is quarantined later, and the sender has no reason to repeat it.

    A source may say `collapse_identical = False` (see rules/dedup.py). `verify` must raise SignatureInvalid or
    PayloadInvalid only; whatever else hostile bytes make it raise (ValueError, TypeError, RecursionError) is a 400.
    """

    def __init__(
        self,
        sources: Mapping[str, object],
        intake: Accepting,
        refusals: Refusals,
        clock: Clock,
        limits: DoorLimits,
        inner: ASGIApp,
    ) -> None:
        found = ((name, _door(name, source)) for name, source in sources.items())
        self._doors = {name: door for name, door in found if door is not None}
        self._intake = intake
        self._refusals = refusals
        self._clock = clock
        self._limits = limits
        self._inner = inner
        self._numbers = itertools.count(1)
        self._answers = {
            verdict: _plain(200, b"application/json", b'{"status":"%s"}' % verdict.encode())
            for verdict in ("stored", "duplicate")
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(PREFIX):
            await self._inner(scope, receive, send)
            return
        door = self._doors.get(scope["path"][len(PREFIX) :].removesuffix("/"))
        try:
            start, body = await self._answer(door, scope, receive)
        except _Refused as refused:
            start, body = self._problem(scope, refused, door)
        except _ClientGone:
            self._note(door, "incomplete", scope, 0)
            return
        await send(start)
        await send(body)

    async def _answer(self, door: _Door | None, scope: Scope, receive: Receive) -> tuple[Message, Message]:
        if door is None:
            raise _Refused("source-unknown", "unknown", "No source of this name takes webhooks.")
        method = scope["method"]
        if method not in ("POST", "GET"):
            raise _Refused("method-not-allowed", "method", "A webhook is a POST or a GET.")
        headers = tuple([(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]])
        request = RawRequest(
            method=method,
            path=scope["path"],
            query=scope["query_string"],
            headers=headers,
            body=await self._body(scope["headers"], receive),
            received_at=self._clock.now(),
        )
        if method == "GET" and door.handshake is not None:
            greeting = self._checked(door.handshake, request)
            if greeting is not None:
                return _plain(greeting.status, greeting.content_type.encode("latin-1"), greeting.body)
        request = self._verified(door, request)
        push_id = door.push_id(request) if door.push_id is not None else None
        key = dedup_key(request, push_id, collapses_identical=door.collapses_identical)
        try:
            verdict = await self._intake.accept(
                NewEvent(source=door.name, dedup_key=key, request=_without_credentials(request))
            )
        except (StorageFull, StorageFailed) as error:
            raise _Refused(
                "unavailable", type(error).__name__, "The event can't be stored now.", len(request.body)
            ) from error
        return self._answers[verdict]

    async def _body(self, headers: Sequence[tuple[bytes, bytes]], receive: Receive) -> bytes:
        """The body as received. The server bounds how long it may take (see serving.py)."""
        bytes_max = self._limits.body_bytes_max
        if _declared_bytes(headers) > bytes_max:
            raise _too_large(bytes_max, 0)
        message = await receive()
        if message["type"] == "http.request" and not message.get("more_body", False):
            body: bytes = message.get("body", b"")
            if len(body) > bytes_max:
                raise _too_large(bytes_max, len(body))
            return body
        pieces: list[bytes] = []
        size = 0
        while True:
            if message["type"] != "http.request":
                raise _ClientGone
            pieces.append(message.get("body", b""))
            size += len(pieces[-1])
            if size > bytes_max:
                raise _too_large(bytes_max, size)
            if not message.get("more_body", False):
                return b"".join(pieces)
            message = await receive()

    def _verified(self, door: _Door, request: RawRequest) -> RawRequest:
        """The request that the source signed, with its body decoded."""
        encoding = request.header("content-encoding")
        if encoding is None or encoding == "identity":
            self._checked(door.verify, request)
            return request
        decoded = self._decoded(request, encoding)
        try:
            self._checked(door.verify, request)
        except _Refused:
            self._checked(door.verify, decoded)
        return decoded

    def _checked(self, check: Callable[[RawRequest], _Answer], request: RawRequest) -> _Answer:
        try:
            return check(request)
        except SignatureInvalid as error:
            detail = "Sign the raw bytes of the body with the secret that both sides share."
            raise _Refused("signature-invalid", "signature", detail, len(request.body)) from error
        except (PayloadInvalid, ValueError, TypeError, RecursionError) as error:
            detail = "The request can't be read, so its sender can't be checked."
            raise _Refused("bad-request", f"unreadable:{type(error).__name__}", detail, len(request.body)) from error

    def _decoded(self, request: RawRequest, encoding: str) -> RawRequest:
        limits = self._limits
        size = len(request.body)
        try:
            body = inflate(
                request.body, encoding, bytes_max=limits.decoded_bytes_max, ratio_max=limits.decoded_ratio_max
            )
        except DecodedTooLarge as error:
            raise _Refused("body-too-large", "decoded_size", f"{error}.", size) from error
        except EncodingBroken as error:
            raise _Refused("bad-request", "encoding_broken", f"{error}.", size) from error
        except EncodingUnknown as error:
            raise _Refused(
                "encoding-unknown", "encoding_unknown", "Send it gzip, deflate or not encoded.", size
            ) from error
        kept = tuple(header for header in request.headers if header[0] != "content-encoding")
        return msgspec.structs.replace(request, headers=kept, body=body)

    def _problem(self, scope: Scope, refused: _Refused, door: _Door | None) -> tuple[Message, Message]:
        self._note(door, refused.reason, scope, refused.body_bytes)
        instance = f"urn:leadwire:request:{self._clock.now():x}-{next(self._numbers)}"
        document = problem(refused.slug, refused.detail, instance=instance)
        extra: list[tuple[bytes, bytes]] = []
        if document.status == 405:
            extra.append((b"allow", b"GET, POST"))
        if document.status == 503:
            extra.append((b"retry-after", b"%d" % self._limits.retry_after_s))
        return _plain(document.status, CONTENT_TYPE.encode(), encode(document), *extra)

    def _note(self, door: _Door | None, reason: str, scope: Scope, body_bytes: int) -> None:
        peer = scope.get("client")
        self._refusals.note(
            Refusal(
                at=self._clock.now(),
                source=door.name if door is not None else "",
                reason=reason,
                peer=str(peer[0]) if peer else "",
                body_bytes=body_bytes,
            )
        )


def _declared_bytes(headers: Sequence[tuple[bytes, bytes]]) -> int:
    declared = next((value for name, value in headers if name == b"content-length"), b"0")
    if not declared.isdigit() or len(declared) > 18:
        raise _Refused("bad-request", "content_length", "The content-length is no number.")
    return int(declared)


def _too_large(bytes_max: int, body_bytes: int) -> _Refused:
    return _Refused("body-too-large", "body_size", f"A webhook's body is at most {bytes_max} bytes.", body_bytes)


def _without_credentials(request: RawRequest) -> RawRequest:
    has_secret_header = not _SECRET_HEADERS.isdisjoint([name for name, _ in request.headers])
    if not has_secret_header and not request.query:
        return request
    kept = tuple((name, _REDACTED if name in _SECRET_HEADERS else value) for name, value in request.headers)
    query = _SECRET_QUERY.sub(rb"\1\2=redacted", request.query)
    return msgspec.structs.replace(request, headers=kept, query=query)
