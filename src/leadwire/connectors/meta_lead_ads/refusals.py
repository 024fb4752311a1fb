"""What an error of the Graph API means for the one who asked.

Nearly all of them are HTTP 400; throttling is too, and has no Retry-After. So the error's code decides, not the status
(developers.facebook.com, Handling Errors; the codes of temporary faults as airbyte and tap-facebook treat them).
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from leadwire.connectors.meta_lead_ads.usage import WHOLE_APP, read_usage
from leadwire.sdk import (
    HOUR,
    MINUTE,
    Instant,
    NotYetReadable,
    PayloadInvalid,
    SourceAuthBroken,
    SourceError,
    SourceRefused,
    SourceUnavailable,
    Throttled,
    read_json,
    retry_after_s,
    seconds,
)

LEADS_ACCESS_HINT = (
    "If this stays so, the app may not read this page's leads: in Business settings open Integrations, Leads access, choose "
    "the page and assign the app as CRM; the token also needs leads_retrieval"
)
THROTTLE_DEFAULT: Instant = MINUTE
BLOCKED_FOR: Instant = HOUR
_APP_LIMIT = 4
_PAGE_LIMITS = frozenset({17, 32, 80001, 80005, 613})
_ACTION_BLOCKED = 368
_AUTH = frozenset({190, 102})
_TEMPORARY = frozenset({1, 2, 99, 104, 960})
_PERMISSION = frozenset({10, *range(200, 300)})
_BAD_PARAMETER = frozenset({100, 803})
_MESSAGE_MAX = 200


class GraphAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One answer of the Graph API: alone or out of a batch. `headers` have lower-case names."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class GraphError(msgspec.Struct, frozen=True, kw_only=True):
    """The error envelope; code 0 where the answer is no envelope at all."""

    code: int = 0
    subcode: int = 0
    message: str = ""
    is_transient: bool = False

    @property
    def may_be_a_field(self) -> bool:
        """True where asking for fewer fields may help: a permission or a parameter, but no missing object and no proof."""
        if self.code == 100 and self.subcode == 33:
            return False
        return (self.code in _PERMISSION or self.code in _BAD_PARAMETER) and not self.is_about_proof

    @property
    def is_about_proof(self) -> bool:
        return "appsecret_proof" in self.message


def read_answer(answer: GraphAnswer) -> Any | GraphError:
    """The JSON of a good answer, or its error."""
    try:
        payload = read_json(answer.body)
    except PayloadInvalid:
        return GraphError()
    if isinstance(payload, dict) and "error" in payload:
        return _error(payload["error"])
    if answer.status != 200:
        return GraphError()
    return payload


def _error(error: object) -> GraphError:
    if not isinstance(error, dict):
        return GraphError()
    message = error.get("message")
    return GraphError(
        code=_whole(error.get("code")),
        subcode=_whole(error.get("error_subcode")),
        message=_plain(message) if isinstance(message, str) else "",
        is_transient=error.get("is_transient") is True,
    )


def as_source_error(error: GraphError, answer: GraphAnswer, page_id: str, now: Instant) -> SourceError:
    """The typed outcome of an error, with a message for the ops person. It holds Meta's own words, cut short, and no lead data."""
    said = f"Meta error {error.code}{f'/{error.subcode}' if error.subcode else ''}: {error.message}"
    throttled = _as_throttled(error, answer, page_id, now, said)
    if throttled is not None:
        return throttled
    if error.code in _AUTH:
        return SourceAuthBroken(f"The token of page {page_id} no longer works: put in a new one. {said}", scope=page_id)
    if error.is_about_proof:
        return SourceAuthBroken(
            f"Meta does not take our appsecret_proof for page {page_id}: check that app_secret belongs to the app that issued "
            f"the page token, and that require_proof fits the app. {said}",
            scope=page_id,
        )
    if error.code == 100 and error.subcode == 33:
        return NotYetReadable(f"Meta does not show this lead yet. {LEADS_ACCESS_HINT}. {said}")
    if error.code == 0 or error.is_transient or error.code in _TEMPORARY or error.subcode == 99 or answer.status >= 500:
        return SourceUnavailable(said if error.code else f"Meta gave no readable answer (HTTP {answer.status})")
    if error.code in _PERMISSION:
        return SourceRefused(f"Meta refuses to show leads of page {page_id}. {LEADS_ACCESS_HINT}. {said}")
    return SourceRefused(f"Meta does not take this request. {said}")


def _as_throttled(error: GraphError, answer: GraphAnswer, page_id: str, now: Instant, said: str) -> Throttled | None:
    wait: Instant = max(seconds(read_usage(answer.headers).page_wait_s), THROTTLE_DEFAULT)
    if error.code == _APP_LIMIT:
        return Throttled(f"The whole app is over its limit. {said}", until=now + wait, scope=WHOLE_APP)
    if error.code in _PAGE_LIMITS:
        return Throttled(f"Page {page_id} is over its limit. {said}", until=now + wait, scope=page_id)
    if error.code == _ACTION_BLOCKED:
        return Throttled(f"Meta blocks page {page_id} for a while. {said}", until=now + BLOCKED_FOR, scope=page_id)
    if error.code == 0 and answer.status == 429:
        asked_s = retry_after_s(answer.headers, now)
        until = now + (wait if asked_s is None else seconds(asked_s))
        return Throttled(f"Page {page_id} is over its limit (HTTP 429)", until=until, scope=page_id)
    return None


def _whole(value: object) -> int:
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 10:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _plain(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text[:_MESSAGE_MAX])
