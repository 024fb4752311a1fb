"""Errors as RFC 9457 says: application/problem+json with a stable type."""

from typing import Final

import msgspec

CONTENT_TYPE: Final = "application/problem+json"

_TITLES: Final = {
    "bad-request": (400, "The request can't be read"),
    "unauthorized": (401, "Credentials are missing or wrong"),
    "signature-invalid": (401, "The signature does not match the received bytes"),
    "forbidden": (403, "These credentials do not allow this"),
    "not-found": (404, "There is nothing here"),
    "source-unknown": (404, "No such webhook source"),
    "method-not-allowed": (405, "This method is not allowed here"),
    "too-slow": (408, "The request did not come in time"),
    "conflict": (409, "This contradicts the present state"),
    "body-too-large": (413, "The body is too large"),
    "encoding-unknown": (415, "The content-encoding is not supported"),
    "invalid": (422, "The values can't be used"),
    "headers-too-large": (431, "The request header is too large"),
    "too-many-requests": (429, "Too many requests"),
    "internal": (500, "Something went wrong on our side"),
    "unavailable": (503, "This can't be done now; try again later"),
}


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A problem document. `type` is "urn:leadwire:problem:" and a slug that never changes; `instance` names this occurrence."""

    type: str
    title: str
    status: int
    detail: str | None = None
    instance: str | None = None


def problem(slug: str, detail: str | None = None, *, instance: str | None = None, status: int | None = None) -> Problem:
    """The problem of this slug, with its usual status and title. Raises KeyError for a slug that is not listed."""
    usual, title = _TITLES[slug]
    return Problem(
        type=f"urn:leadwire:problem:{slug}", title=title, status=status or usual, detail=detail, instance=instance
    )


def slug_of_status(status: int) -> str:
    """The most general slug of an HTTP status; "bad-request" or "internal" where none is listed."""
    known = next((slug for slug, (usual, _) in _TITLES.items() if usual == status), None)
    return known or ("internal" if status >= 500 else "bad-request")


def encode(document: Problem) -> bytes:
    """The document as JSON."""
    return msgspec.json.encode(document)
