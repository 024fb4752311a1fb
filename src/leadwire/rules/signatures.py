"""Signatures over raw bytes. Every comparison takes the same time whatever was presented, and tries every secret."""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable, Sequence
from typing import Literal, TypeAlias

import msgspec

from leadwire.model.errors import SignatureInvalid

Algorithm: TypeAlias = Literal["sha1", "sha256", "sha512"]
Encoding: TypeAlias = Literal["hex", "base64"]

STANDARD_TOLERANCE_S = 300.0
SIGNATURES_MAX = 10
PLACEHOLDERS = frozenset({"id", "timestamp", "body"})

_KEY_PREFIX = "whsec_"
_STANDARD_ID = re.compile(r"[A-Za-z0-9_:\-]{1,256}", re.ASCII)
_WHOLE_SECONDS = re.compile(r"[0-9]{1,12}", re.ASCII)
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def hmac_digest(secret: bytes, message: bytes, algorithm: Algorithm = "sha256") -> bytes:
    """The HMAC of exactly these bytes."""
    return hmac.digest(secret, message, algorithm)


def hmac_text(secret: bytes, message: bytes, algorithm: Algorithm = "sha256", encoding: Encoding = "hex") -> str:
    """The HMAC as lower-case hex or padded base64."""
    digest = hmac_digest(secret, message, algorithm)
    return digest.hex() if encoding == "hex" else base64.b64encode(digest).decode("ascii")


def is_same_text(presented: str, expected: str) -> bool:
    """True where both texts are the same, in constant time on their bytes."""
    return hmac.compare_digest(_bytes(presented), _bytes(expected))


def is_any_of(presented: str, allowed: Iterable[str]) -> bool:
    """True where the text is one of these; all are compared, and an empty one never matches."""
    found = False
    for text in allowed:
        found |= bool(text) and is_same_text(presented, text)
    return found


def is_signed(
    presented: str,
    message: bytes,
    secrets: Iterable[bytes],
    *,
    algorithm: Algorithm = "sha256",
    encoding: Encoding = "hex",
) -> bool:
    """True where the text is the message's HMAC under one of the secrets (several during a rotation). An empty secret signs nothing."""
    found = False
    for secret in secrets:
        found |= bool(secret) and is_same_text(presented, hmac_text(secret, message, algorithm, encoding))
    return found


def check_template(template: str) -> None:
    """Raises ValueError unless the template of a signed text holds {body} and no other braces than {id} and {timestamp}."""
    names = _PLACEHOLDER.findall(template)
    unknown = sorted(set(names) - PLACEHOLDERS)
    if unknown:
        raise ValueError(f"{{{unknown[0]}}} is no part of a signed text: use {{body}}, {{timestamp}} and {{id}}")
    if "body" not in names:
        raise ValueError("the signed text must hold {body}, or anybody could change the body")


def signed_text(template: str, *, body: bytes, timestamp: str = "", message_id: str = "") -> bytes:
    """The bytes that a sender signs: the template with the received values in it, the body untouched."""
    values = {"body": body, "timestamp": _bytes(timestamp), "id": _bytes(message_id)}
    parts = _PLACEHOLDER.split(template)
    return b"".join(values[part] if odd % 2 else part.encode() for odd, part in enumerate(parts))


class StandardSigned(msgspec.Struct, frozen=True, kw_only=True):
    """The three headers of a Standard Webhooks request as they came in, and its raw body."""

    message_id: str
    timestamp: str
    signatures: str
    body: bytes


def standard_key(secret: str) -> bytes:
    """The signing key of a secret: the base64 after `whsec_`, or the text's own bytes where that prefix is missing.

    Raises ValueError for an empty secret and for `whsec_` followed by something that is no base64.
    """
    if not secret.startswith(_KEY_PREFIX):
        key = secret.encode()
    else:
        decoded = _base64(secret.removeprefix(_KEY_PREFIX))
        if decoded is None:
            raise ValueError("what follows whsec_ is no base64: copy the whole secret from the sender")
        key = decoded
    if not key:
        raise ValueError("the secret is empty")
    return key


def accepted_standard_keys(secrets: Iterable[str]) -> tuple[bytes, ...]:
    """Every key under which a signature counts.

    Reference libraries read a secret without `whsec_` as base64, plain senders as text: such a secret counts as both.
    """
    keys: list[bytes] = []
    for secret in secrets:
        keys.append(standard_key(secret))
        decoded = None if secret.startswith(_KEY_PREFIX) else _base64(secret)
        if decoded:
            keys.append(decoded)
    return tuple(keys)


def sign_standard(message_id: str, timestamp_s: int, body: bytes, key: bytes) -> str:
    """`v1,` and the base64 HMAC-SHA256 of id.timestamp.body (Standard Webhooks 1.0.0)."""
    return _standard_signature(message_id, str(timestamp_s), body, key)


def verify_standard(
    signed: StandardSigned, keys: Sequence[bytes], *, now_s: float, tolerance_s: float = STANDARD_TOLERANCE_S
) -> None:
    """Raises SignatureInvalid unless a `v1` signature matches one of the keys and the time is within the tolerance of `now_s`.

    At most ten signatures are looked at; those of other versions match nothing.
    The id may hold no dot, since the dot parts the signed text.
    """
    if not is_standard_id(signed.message_id):
        raise SignatureInvalid("webhook-id is missing, too long, or holds characters other than letters, digits, - _ :")
    check_timestamp(signed.timestamp, now_s=now_s, tolerance_s=tolerance_s, header="webhook-timestamp")
    presented = signed.signatures.split(" ", SIGNATURES_MAX)[:SIGNATURES_MAX]
    found = False
    for key in keys:
        expected = _standard_signature(signed.message_id, signed.timestamp, signed.body, key)
        for entry in presented:
            found |= is_same_text(entry, expected)
    if not found:
        raise SignatureInvalid("no v1 signature in webhook-signature matches the received bytes")


def is_standard_id(text: str) -> bool:
    """True for 1 to 256 letters, digits, hyphens, underscores and colons."""
    return _STANDARD_ID.fullmatch(text) is not None


def check_timestamp(text: str, *, now_s: float, tolerance_s: float, header: str) -> None:
    """Raises SignatureInvalid unless the text is a plain number of unix seconds (or milliseconds) within the tolerance of `now_s`."""
    if _WHOLE_SECONDS.fullmatch(text) is not None:
        sent_s = float(text)
    elif len(text) == 13 and text.isascii() and text.isdecimal():
        sent_s = int(text) / 1000
    else:
        raise SignatureInvalid(f"{header} is no whole number of seconds")
    if abs(now_s - sent_s) > tolerance_s:
        raise SignatureInvalid(f"{header} is more than {tolerance_s:g} s away from our clock")


def _standard_signature(message_id: str, timestamp: str, body: bytes, key: bytes) -> str:
    signed = b".".join((message_id.encode(), timestamp.encode(), body))
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode("ascii")


def _base64(text: str) -> bytes | None:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
