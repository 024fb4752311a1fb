"""Held to the vector of sources.md 3.9, which the reference library gives too."""

import pytest

from leadwire.model.times import MINUTE, SECOND, Instant
from leadwire.simulators.crm.signature import read_secret, refusal, sign

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE_ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
TIMESTAMP = "1614265330"
BODY = b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
AT: Instant = int(TIMESTAMP) * SECOND
HEADERS = {"webhook-id": MESSAGE_ID, "webhook-timestamp": TIMESTAMP, "webhook-signature": SIGNATURE}


def test_the_known_message_has_the_known_signature() -> None:
    assert sign(read_secret(SECRET), MESSAGE_ID, TIMESTAMP, BODY) == SIGNATURE
    assert refusal(read_secret(SECRET), HEADERS, BODY, AT) is None


def test_one_of_several_signatures_is_enough() -> None:
    rotated = HEADERS | {"webhook-signature": f"v1,AAAA v1a,BBBB {SIGNATURE}"}
    assert refusal(read_secret(SECRET), rotated, BODY, AT) is None


@pytest.mark.parametrize(
    ("shift", "is_taken"), [(5 * MINUTE, True), (-5 * MINUTE, True), (5 * MINUTE + 1, False), (-6 * MINUTE, False)]
)
def test_the_time_may_differ_by_five_minutes(shift: Instant, is_taken: bool) -> None:
    assert (refusal(read_secret(SECRET), HEADERS, BODY, AT + shift) is None) is is_taken


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-id": "other"},
        {"webhook-id": ""},
        {"webhook-timestamp": "1e9"},
        {"webhook-signature": "ü"},
        {"webhook-signature": ""},
    ],
)
def test_anything_else_is_refused(change: dict[str, str]) -> None:
    assert refusal(read_secret(SECRET), HEADERS | change, BODY, AT) is not None


def test_a_secret_needs_no_padding_and_no_prefix() -> None:
    assert read_secret("YWI") == read_secret("whsec_YWI=") == b"ab"


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_ä", "not base64!"])
def test_a_secret_that_is_no_key_is_refused(secret: str) -> None:
    with pytest.raises(ValueError, match="webhook secret"):
        read_secret(secret)
