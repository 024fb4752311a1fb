"""The CRM's signature check and the reference library agree, in both directions."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from leadwire.model.times import MINUTE, SECOND, Instant, to_datetime
from leadwire.simulators.catalogue import example_crm_secret
from leadwire.simulators.crm.signature import read_secret, refusal, sign

BODY = '{"data": {"id": "lead-1", "full_name": "प्रिया"}}'
SECRETS = (example_crm_secret(), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa")


@pytest.mark.parametrize("secret", SECRETS)
def test_what_the_library_signs_we_accept(secret: str, clock: Callable[[], Instant]) -> None:
    now = clock()
    signature = Webhook(secret).sign("msg_1", to_datetime(now), BODY)
    headers = {"webhook-id": "msg_1", "webhook-timestamp": str(now // SECOND), "webhook-signature": signature}
    assert refusal(read_secret(secret), headers, BODY.encode(), now) is None
    assert refusal(read_secret(secret), headers, BODY.encode() + b" ", now) is not None


@pytest.mark.parametrize("secret", SECRETS)
def test_what_we_sign_the_library_accepts(secret: str, clock: Callable[[], Instant]) -> None:
    timestamp = str(clock() // SECOND)
    headers = {"webhook-id": "msg_1", "webhook-timestamp": timestamp}
    headers["webhook-signature"] = sign(read_secret(secret), "msg_1", timestamp, BODY.encode())
    assert Webhook(secret).verify(BODY, headers)["data"]["id"] == "lead-1"
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(BODY + " ", headers)


@pytest.mark.parametrize(
    "change", [{"webhook-timestamp": ""}, {"webhook-id": ""}, {"webhook-signature": ""}, {"webhook-timestamp": "0"}]
)
def test_both_refuse_the_same_headers(change: dict[str, str], clock: Callable[[], Instant]) -> None:
    secret, now = SECRETS[0], clock()
    signed = Webhook(secret).sign("msg_1", to_datetime(now), BODY)
    headers = {"webhook-id": "msg_1", "webhook-timestamp": str(now // SECOND), "webhook-signature": signed} | change
    assert refusal(read_secret(secret), headers, BODY.encode(), now) is not None
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(BODY, headers)


def test_both_refuse_an_old_message(clock: Callable[[], Instant]) -> None:
    secret, now = SECRETS[0], clock()
    old = datetime.now(UTC) - timedelta(minutes=6)
    headers = {"webhook-id": "m", "webhook-timestamp": str(int(old.timestamp()))}
    headers["webhook-signature"] = Webhook(secret).sign("m", old, BODY)
    assert refusal(read_secret(secret), headers, BODY.encode(), now) is not None
    assert refusal(read_secret(secret), headers, BODY.encode(), now - 3 * MINUTE) is None
    with pytest.raises(WebhookVerificationError, match="too old"):
        Webhook(secret).verify(BODY, headers)


async def test_a_post_signed_by_the_library_reaches_the_crm_of_the_catalogue(
    session: aiohttp.ClientSession, signed_crm_url: str, clock: Callable[[], Instant]
) -> None:
    now = clock()
    headers = {"webhook-id": "msg_1", "webhook-timestamp": str(now // SECOND), "content-type": "application/json"}
    for secret, status in ((SECRETS[1], 401), (SECRETS[0], 201)):
        headers["webhook-signature"] = Webhook(secret).sign("msg_1", to_datetime(now), BODY)
        async with session.post(f"{signed_crm_url}/leads", data=BODY.encode(), headers=headers) as response:
            assert response.status == status
