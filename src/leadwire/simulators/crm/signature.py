"""Standard Webhooks signatures, as github.com/standard-webhooks/standard-webhooks specifies them."""

import base64
import hashlib
import hmac
from collections.abc import Mapping

from leadwire.model.times import MINUTE, SECOND, Instant

TOLERANCE: Instant = 5 * MINUTE
_PREFIX = "whsec_"


def read_secret(secret: str) -> bytes:
    """The key: base64 after `whsec_`, padding optional; raises ValueError if it is none."""
    text = secret.removeprefix(_PREFIX)
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        raise ValueError("a webhook secret is base64 after whsec_") from None
    if not key:
        raise ValueError("a webhook secret may not be empty")
    return key


def sign(key: bytes, message_id: str, timestamp: str, body: bytes) -> str:
    """`v1,` and the base64 HMAC-SHA256 of id.timestamp.body."""
    signed = b".".join((message_id.encode(), timestamp.encode(), body))
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


def refusal(key: bytes, headers: Mapping[str, str], body: bytes, now: Instant) -> str | None:
    """Why the request is not to be trusted; None if one of its signatures is ours and its time is within 5 minutes."""
    message_id = headers.get("webhook-id")
    timestamp = headers.get("webhook-timestamp")
    signatures = headers.get("webhook-signature")
    if not message_id or not timestamp or not signatures:
        return "missing required headers"
    if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= 12):
        return "timestamp is no number of seconds"
    if abs(int(timestamp) * SECOND - now) > TOLERANCE:
        return "timestamp too far from now"
    expected = sign(key, message_id, timestamp, body).encode()
    if any(hmac.compare_digest(expected, given.encode()) for given in signatures.split(" ")):
        return None
    return "no matching signature"
