"""Meta's signatures, and the form of JSON they are made over."""

import hashlib
import hmac
import json
from typing import Any


def escaped_body(payload: Any) -> bytes:
    r"""JSON in Meta's webhook form: no blanks, non-ASCII as lower-case \uXXXX. The signature is made over these bytes."""
    return json.dumps(payload, separators=(",", ":"), ensure_ascii=True).encode("ascii")


def signature_headers(app_secret: str, body: bytes) -> dict[str, str]:
    """X-Hub-Signature-256, and the older X-Hub-Signature, of exactly these bytes."""
    key = app_secret.encode()
    return {
        "X-Hub-Signature": "sha1=" + hmac.new(key, body, hashlib.sha1).hexdigest(),
        "X-Hub-Signature-256": "sha256=" + hmac.new(key, body, hashlib.sha256).hexdigest(),
    }


def appsecret_proof(app_secret: str, access_token: str) -> str:
    """Hex HMAC-SHA256 of the token under the app secret, as the Graph API takes it."""
    return hmac.new(app_secret.encode(), access_token.encode(), hashlib.sha256).hexdigest()
