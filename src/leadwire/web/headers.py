"""The headers that every answer carries: what a browser may load, and that nobody keeps a copy."""

from collections.abc import Callable
from typing import Any, Final

from litestar.datastructures import MutableScopeHeaders
from litestar.types import Message, Scope

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; object-src 'none'; "
    "base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
)
DOCS_CONTENT_SECURITY_POLICY: Final = CONTENT_SECURITY_POLICY.replace(
    "style-src 'self'", "style-src 'self' 'unsafe-inline'"
)

_EVERYWHERE: Final = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "cache-control": "no-store",
}


def security_headers(*, is_https: bool) -> Callable[[Message, Scope], Any]:
    """The hook that adds them; an answer's own header wins."""
    wanted = dict(_EVERYWHERE)
    if is_https:
        wanted["strict-transport-security"] = "max-age=31536000"

    async def add(message: Message, scope: Scope) -> None:  # noqa: ARG001 - the hook's signature
        if message["type"] == "http.response.start":
            headers = MutableScopeHeaders.from_message(message)
            for name, value in wanted.items():
                headers.setdefault(name, value)

    return add
