"""E-mail addresses in their normal form. Only the syntax is judged; nothing is looked up."""

import re
from functools import lru_cache

from email_validator import EmailNotValidError, validate_email

TYPED_CHARACTERS_MAX = 400
ADDRESS_CHARACTERS_MAX = 254
LOCAL_CHARACTERS_MAX = 64
CACHED_ADDRESSES = 4_096

_INVISIBLE = "\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff"
_AROUND = " \t\r\n\f\v\xa0\"'" + _INVISIBLE
_AFTER = _AROUND + ".,;"
_PLAIN = re.compile(
    r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}"
)


def normal_email(raw: str | None) -> str | None:
    """The address in small letters, its domain in Unicode where it is an international one; None where it is no address.

    Blanks and quotes around it, a stop after it, "mailto:" and a display name before angle brackets are taken off. The local
    part is made small too: no mail system in use tells "Joe" from "joe". Names reserved for tests ("x@shop.test") are
    addresses here, since a normal form says who it is, not whether mail arrives; a domain without a dot is none. The normal
    form's normal form is itself.
    """
    if not raw or len(raw) > TYPED_CHARACTERS_MAX:
        return None
    return _normal(raw)


@lru_cache(maxsize=CACHED_ADDRESSES)
def _normal(raw: str) -> str | None:
    text = _bare(raw)
    if _is_plain(text):
        return text
    try:
        normal = validate_email(text, check_deliverability=False, strict=True).normalized.lower()
        return validate_email(normal, check_deliverability=False, strict=True).normalized
    except EmailNotValidError:
        return None


def _bare(raw: str) -> str:
    text = raw.lstrip(_AROUND).rstrip(_AFTER).lower()
    if text.endswith(">"):
        text = text[:-1].rpartition("<")[2].strip(_AROUND)
    if text.startswith("mailto:"):
        text = text.removeprefix("mailto:").partition("?")[0].strip(_AROUND)
    return text


def _is_plain(text: str) -> bool:
    """The short way for nearly every address; what it doubts, the library judges."""
    local, _, domain = text.partition("@")
    return (
        len(text) <= ADDRESS_CHARACTERS_MAX
        and len(local) <= LOCAL_CHARACTERS_MAX
        and "--" not in domain
        and _PLAIN.fullmatch(text) is not None
    )
