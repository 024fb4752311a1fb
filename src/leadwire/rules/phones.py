"""Phone numbers in their normal form, E.164, by the rules of phonenumbers (Google's libphonenumber)."""

import re
from functools import lru_cache

from phonenumbers import (
    NumberParseException,
    PhoneNumber,
    PhoneNumberFormat,
    ValidationResult,
    format_number,
    is_possible_number_with_reason,
    is_valid_number,
    national_significant_number,
    normalize_digits_only,
    parse,
)

TYPED_CHARACTERS_MAX = 100
E164_CHARACTERS_MAX = 16
CACHED_NUMBERS = 4_096

# The first number in a text: from its plus or first digit to a letter, another plus, or what opens an extension or a second number.
_FIRST_NUMBER = re.compile(r"[+＋]?[^\w+＋]*\d(?:\d|[^\w+＋#＃~～;,])*")
_SPREADSHEET_DECIMAL = re.compile(r"^([+＋]?\d{7,})\.0$")


def normal_phone(raw: str | None, region: str | None) -> str | None:
    """The number as "+" and at most 15 digits, or None where the text holds no number that somebody could be called at.

    `region` (such as "IN") completes a number typed without its country; with None only numbers with "+" or "00" are read.
    Text before and after it, an extension and a second number are left out; digits of any script are read; letters are
    never taken for digits. A number that its country's plan knows is taken however it was typed. One that the plan only
    allows by its length is taken digit by digit where it was typed with "+": plans grow faster than their tables, and the "+"
    says that the country was no guess. Withheld and masked numbers are None, and so is any text of more than 100 characters.
    The normal form's normal form is itself.
    """
    if not raw or len(raw) > TYPED_CHARACTERS_MAX:
        return None
    return _normal(raw, region)


@lru_cache(maxsize=CACHED_NUMBERS)
def _normal(raw: str, region: str | None) -> str | None:
    found = _FIRST_NUMBER.search(raw)
    if found is None:
        return None
    text = _SPREADSHEET_DECIMAL.sub(r"\1", found[0].strip())
    country = region.upper() if region else None
    number = _read(text, country)
    if number is None and text.startswith("00"):  # the prefix for "abroad" in most of the world, if not in this region
        number = _read_valid("+" + text[2:], country)
    if number is None and "/" in text:
        number = _read(text.partition("/")[0], country)
    return number


def _read(text: str, region: str | None) -> str | None:
    number = _parsed(text, region)
    if number is None:
        return None
    if is_valid_number(number):
        return _fitting(format_number(number, PhoneNumberFormat.E164))
    if text[0] in "+＋" and _is_possible(number):
        return _fitting("+" + normalize_digits_only(text))
    return None


def _read_valid(text: str, region: str | None) -> str | None:
    number = _parsed(text, region)
    if number is None or not is_valid_number(number):
        return None
    return _fitting(format_number(number, PhoneNumberFormat.E164))


def _parsed(text: str, region: str | None) -> PhoneNumber | None:
    try:
        return parse(text, region)
    except NumberParseException:
        return None


def _is_possible(number: PhoneNumber) -> bool:
    """Only what can be dialled from abroad: the library's shorter question says yes to local numbers without area code too."""
    return is_possible_number_with_reason(number) == ValidationResult.IS_POSSIBLE


def _fitting(e164: str) -> str | None:
    return e164 if len(e164) <= E164_CHARACTERS_MAX else None


@lru_cache(maxsize=CACHED_NUMBERS)
def phone_search_words(e164: str) -> str:
    """The words that a number in normal form is found by, digit by digit from their start: with and without its country."""
    digits = e164.removeprefix("+")
    number = _parsed("+" + digits, None)
    national = "" if number is None else national_significant_number(number)
    return digits if national in ("", digits) else f"{digits} {national}"
