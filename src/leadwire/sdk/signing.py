"""Signatures for connectors: HMAC over raw bytes, and Standard Webhooks both ways. All comparisons are constant time."""

from leadwire.rules.signatures import (
    Algorithm,
    Encoding,
    StandardSigned,
    accepted_standard_keys,
    check_template,
    check_timestamp,
    hmac_digest,
    hmac_text,
    is_any_of,
    is_same_text,
    is_signed,
    is_standard_id,
    sign_standard,
    signed_text,
    standard_key,
    verify_standard,
)

__all__ = [
    "Algorithm",
    "Encoding",
    "StandardSigned",
    "accepted_standard_keys",
    "check_template",
    "check_timestamp",
    "hmac_digest",
    "hmac_text",
    "is_any_of",
    "is_same_text",
    "is_signed",
    "is_standard_id",
    "sign_standard",
    "signed_text",
    "standard_key",
    "verify_standard",
]
