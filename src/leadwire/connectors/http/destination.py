"""The HTTP destination: one signed request per lead, the same bytes and the same id in every attempt."""

from collections.abc import Sequence
from http import HTTPStatus

from leadwire.connectors.http.settings import HttpSettings
from leadwire.sdk import (
    SECOND,
    Delivered,
    Delivery,
    DestinationAuthBroken,
    DestinationGone,
    HttpAnswer,
    HttpRequest,
    Instant,
    NotSent,
    OutcomeUnknown,
    Receipt,
    Rejected,
    ReplyLost,
    Retryable,
    Tools,
    retry_after_s,
    sign_standard,
    standard_key,
    to_iso,
)

_AUTH = frozenset({401, 403, 407})
_COME_BACK_LATER = frozenset({408, 421, 423, 425, 429})


class HttpDestination:
    """Posts each lead on its own. A 2xx answer, and nothing else, means that the endpoint has it."""

    batch_max = 1

    def __init__(self, settings: HttpSettings, tools: Tools) -> None:
        self._settings = settings
        self._tools = tools
        self._key = standard_key(settings.secret.reveal()) if settings.secret else None
        self._headers = {name.lower(): value.reveal() for name, value in settings.headers.items()}

    async def deliver(self, batch: Sequence[Delivery]) -> Sequence[Receipt]:
        """One receipt per delivery, in order."""
        return [await self._deliver(delivery) for delivery in batch]

    async def _deliver(self, delivery: Delivery) -> Receipt:
        try:
            answer = await self._tools.http.send(self._request(delivery))
        except NotSent:
            return Retryable("the endpoint can't be reached; nothing was sent")
        except ReplyLost:
            return OutcomeUnknown("the request was sent and no whole answer came back")
        return read_answer(answer, self._tools.now())

    def _request(self, delivery: Delivery) -> HttpRequest:
        now = self._tools.now()
        body = envelope(delivery)
        headers = {
            "content-type": "application/json",
            "user-agent": "leadwire",
            **self._headers,
            "webhook-id": delivery.key,
            "webhook-timestamp": str(now // SECOND),
        }
        if self._key is not None:
            headers["webhook-signature"] = sign_standard(delivery.key, now // SECOND, body, self._key)
        return HttpRequest(
            method=self._settings.method,
            url=self._settings.url,
            headers=headers,
            body=body,
            timeout_s=self._tools.timeout_s,
        )


def envelope(delivery: Delivery) -> bytes:
    """`{"type": …, "timestamp": …, "data": …}`: the time is when the delivery became owed, so every attempt sends the same bytes."""
    head = f'{{"type":"{delivery.type}","timestamp":"{to_iso(delivery.owed_at)}","data":'
    return b"".join((head.encode(), bytes(delivery.data), b"}"))


def read_answer(answer: HttpAnswer, now: Instant) -> Receipt:
    """What an answer means. The endpoint's body is never repeated in a message: it may hold the lead.

    A redirect is not followed and counts as a failure that a corrected `url` heals, so the lead stays owed.
    """
    status = answer.status
    if 200 <= status < 300:
        return Delivered(status=status)
    said = f"the endpoint answered {status} {_phrase(status)}".rstrip()
    if status in _COME_BACK_LATER or status < 200 or status >= 500:
        return Retryable(said, status=status, after_s=retry_after_s(answer.headers, now))
    if status < 400:
        return Retryable(f"{said}: redirects are not followed; put the final address into url", status=status)
    if status in _AUTH:
        return DestinationAuthBroken(f"{said}: check the secret and the headers of this destination", status=status)
    if status == HTTPStatus.GONE:
        return DestinationGone(f"{said}: it asks us to stop sending", status=status)
    return Rejected(f"{said}: it refuses this lead for good", status=status)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
