"""How connectors speak HTTP: one verb. The engine brings the deadline, the bounded body, the address check and no redirects."""

from typing import Protocol

import msgspec

from leadwire.model.errors import LeadwireError


class HttpRequest(msgspec.Struct, frozen=True, kw_only=True):
    """An outgoing request. `timeout_s` bounds the whole exchange; the answer is cut off (an error) past `answer_bytes_max`."""

    method: str
    url: str
    headers: dict[str, str] = {}
    body: bytes = b""
    timeout_s: float = 15.0
    answer_bytes_max: int = 65_536


class HttpAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An answer, whatever its status. `headers` have lower-case names (the last of repeated ones wins)."""

    status: int
    headers: dict[str, str]
    body: bytes


class HttpFailed(LeadwireError):
    """There was no answer."""


class NotSent(HttpFailed):
    """The connection could not be made: the other side saw nothing."""


class ReplyLost(HttpFailed):
    """The request was sent and no whole answer came back: it may have been handled."""


class Http(Protocol):
    """The engine's HTTP client."""

    async def send(self, request: HttpRequest) -> HttpAnswer:
        """The answer, whatever its status. Raises NotSent, ReplyLost or EgressRefused; never follows a redirect."""
        ...
