"""The HTTP destination: the same bytes in every attempt, a signature that libraries accept, and an outcome for each answer."""

from datetime import UTC, datetime
from email.utils import formatdate
from typing import Any, Protocol

import msgspec
import pytest
from standardwebhooks import Webhook

from leadwire.connectors.http.destination import HttpDestination, envelope
from leadwire.connectors.http.settings import HttpSettings
from leadwire.sdk import (
    Delivered,
    Delivery,
    DestinationAuthBroken,
    DestinationError,
    DestinationGone,
    HttpAnswer,
    HttpRequest,
    NotSent,
    OutcomeUnknown,
    Receipt,
    Rejected,
    ReplyLost,
    Retryable,
    Tools,
    decode_setting,
    sign_standard,
    standard_key,
)

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
DATA = '{"id": "lead_1",  "full_name":"प्रिया"}'


class Script(Protocol):
    requests: list[HttpRequest]
    script: list[HttpAnswer | Exception]


class Bench(Protocol):
    now: int

    @property
    def http(self) -> Script: ...
    def advance(self, duration_s: float) -> None: ...
    def tools(self) -> Tools: ...


def destination(bench: Bench, **more: object) -> HttpDestination:
    given: dict[str, Any] = {"url": "https://crm.example.com/leads", "secret": SECRET, **more}
    return HttpDestination(msgspec.convert(given, HttpSettings, dec_hook=decode_setting), bench.tools())


def delivery(attempt: int = 1) -> Delivery:
    return Delivery(
        key="dlv_1",
        type="lead.created",
        lead_id="lead_1",
        version=3,
        owed_at=1_772_000_000_000_000,
        data=msgspec.Raw(DATA.encode()),
        attempt=attempt,
        uncertain=attempt > 1,
    )


async def receipt(bench: Bench, outcome: HttpAnswer | Exception) -> Receipt:
    bench.http.script = [outcome]
    (given,) = await destination(bench).deliver([delivery()])
    return given


def answer(status: int, **headers: str) -> HttpAnswer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpAnswer(status=status, headers=named, body=b'{"error":"Priya +919829123199"}')


def test_the_body_is_the_envelope_around_the_data_byte_by_byte() -> None:
    expected = f'{{"type":"lead.created","timestamp":"2026-02-25T06:13:20Z","data":{DATA}}}'
    assert envelope(delivery()) == expected.encode()
    assert msgspec.json.decode(envelope(delivery()))["data"]["full_name"] == "प्रिया"


async def test_every_attempt_has_the_same_bytes_and_id_and_a_fresh_signature(bench: Bench) -> None:
    bench.http.script = [answer(503), answer(200)]
    await destination(bench).deliver([delivery(1)])
    bench.advance(400)
    await destination(bench).deliver([delivery(2)])
    first, second = bench.http.requests
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == "dlv_1"
    assert int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) == 400
    for request in (first, second):
        sent_s = int(request.headers["webhook-timestamp"])
        signature = sign_standard("dlv_1", sent_s, request.body, standard_key(SECRET))
        assert request.headers["webhook-signature"] == signature


async def test_the_reference_library_accepts_a_request(bench: Bench) -> None:
    bench.now = int(datetime.now(tz=UTC).timestamp()) * 1_000_000
    bench.http.script = [answer(200)]
    await destination(bench).deliver([delivery()])
    (request,) = bench.http.requests
    assert Webhook(SECRET).verify(request.body, request.headers)["data"]["id"] == "lead_1"


async def test_the_request_is_as_configured(bench: Bench) -> None:
    bench.http.script = [answer(200)]
    await destination(bench, method="PUT", headers={"Authorization": "Bearer x"}, secret=None).deliver([delivery()])
    (request,) = bench.http.requests
    assert (request.method, request.url) == ("PUT", "https://crm.example.com/leads")
    assert request.headers["authorization"] == "Bearer x"
    assert request.headers["content-type"] == "application/json"
    assert "webhook-signature" not in request.headers
    assert request.headers["webhook-id"] == "dlv_1"


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_any_2xx_is_delivered(bench: Bench, status: int) -> None:
    assert await receipt(bench, answer(status)) == Delivered(status=status)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *(
            (status, Retryable)
            for status in (100, 301, 302, 304, 307, 308, 408, 421, 423, 425, 429, 500, 502, 503, 504, 599)
        ),
        *((status, Rejected) for status in (400, 402, 404, 405, 409, 411, 413, 415, 418, 422, 424, 451, 499)),
        *((status, DestinationAuthBroken) for status in (401, 403, 407)),
        (410, DestinationGone),
    ],
)
async def test_every_other_status_has_its_outcome_and_no_lead_data_in_the_reason(
    bench: Bench, status: int, kind: type
) -> None:
    given = await receipt(bench, answer(status, location="https://evil.example.com/Priya"))
    assert type(given) is kind
    assert isinstance(given, DestinationError)
    assert given.status == status
    assert str(status) in str(given)
    assert "Priya" not in str(given)
    assert len(bench.http.requests) == 1


async def test_a_redirect_says_what_to_do(bench: Bench) -> None:
    assert "put the final address into url" in str(await receipt(bench, answer(301)))


@pytest.mark.parametrize(
    ("text", "after_s"), [("7", 7.0), ("0", 1.0), ("999999999", 86400.0), ("soon", None), ("", None)]
)
@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after_is_honoured_within_bounds(
    bench: Bench, status: int, text: str, after_s: float | None
) -> None:
    given = await receipt(bench, answer(status, retry_after=text))
    assert isinstance(given, Retryable)
    assert given.after_s == after_s


async def test_retry_after_may_be_a_date(bench: Bench) -> None:
    date = formatdate(bench.now / 1_000_000 + 90, usegmt=True)
    given = await receipt(bench, answer(429, retry_after=date))
    assert isinstance(given, Retryable)
    assert given.after_s == pytest.approx(90, abs=1)


async def test_no_connection_is_retryable_and_a_lost_reply_is_unknown(bench: Bench) -> None:
    assert isinstance(await receipt(bench, NotSent("refused")), Retryable)
    assert isinstance(await receipt(bench, ReplyLost("reset")), OutcomeUnknown)


async def test_one_receipt_per_delivery_in_order(bench: Bench) -> None:
    bench.http.script = [answer(200), answer(422), ReplyLost(), answer(200)]
    receipts = await destination(bench).deliver([delivery()] * 4)
    assert [type(given) for given in receipts] == [Delivered, Rejected, OutcomeUnknown, Delivered]


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "crm.example.com"},
        {"url": "ftp://crm.example.com"},
        {"url": "https://user:pw@crm.example.com/"},
        {"secret": "whsec_!!!"},
        {"method": "GET"},
        {"headers": {"Webhook-Id": "x"}},
        {"headers": {"Content-Length": "1"}},
        {"headers": {"a b": "x"}},
        {"headers": {"X-A": "a\r\nX-B: b"}},
    ],
)
def test_wrong_settings_are_refused(bench: Bench, wrong: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        destination(bench, **wrong)
