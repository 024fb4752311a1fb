import re

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import given, settings
from hypothesis import strategies as st

from leadwire.rules.emails import normal_email


@pytest.mark.parametrize(
    ("typed", "normal"),
    [
        ("joe@example.com", "joe@example.com"),
        ("Joe.Doe@Example.COM", "joe.doe@example.com"),
        ("  joe@example.com\r\n", "joe@example.com"),
        ("\u200bjoe@example.com\ufeff", "joe@example.com"),
        ("mailto:joe@example.com", "joe@example.com"),
        ("MAILTO:Joe@example.com?subject=Hi", "joe@example.com"),
        ("<joe@example.com>", "joe@example.com"),
        ('"Doe, Joe" <Joe@example.com>', "joe@example.com"),
        ("'joe@example.com'", "joe@example.com"),
        ("joe@example.com.", "joe@example.com"),
        ("joe@example.com;", "joe@example.com"),
        ("joe+flat@mail.example.co.in", "joe+flat@mail.example.co.in"),
        ("o'brien@example.ie", "o'brien@example.ie"),
        ("joe@shop.test", "joe@shop.test"),
        ("test@meta.com", "test@meta.com"),
        ("joe@Bücher.example.de", "joe@bücher.example.de"),
        ("joe@xn--bcher-kva.de", "joe@bücher.de"),
        ("JOSÉ@example.com", "josé@example.com"),
        ("jose\u0301@example.com", "josé@example.com"),
    ],
)
def test_one_address_has_one_normal_form_however_it_was_typed(typed: str, normal: str) -> None:
    assert normal_email(typed) == normal


@pytest.mark.parametrize(
    "typed",
    [
        None,
        "",
        " ",
        "joe",
        "@",
        "joe@",
        "@example.com",
        "joe@localhost",
        "joe@example.123",
        "joe@example..com",
        "joe@-example.com",
        "joe@example-.com",
        "joe@@example.com",
        "joe..doe@example.com",
        ".joe@example.com",
        "joe doe@example.com",
        "joe@exam ple.com",
        "joe,doe@example.com",
        '"joe doe"@example.com',
        "joe@[127.0.0.1]",
        "joe@ab--cd.com",
        "joe@example.com, ann@example.com",
        "<test lead: dummy data for email>",
        "x" * 65 + "@example.com",
        "x" * 60 + "@" + "y" * 64 + ".com",
        "x@" + "y" * 60 + ".com" + ".com" * 60,
        "a@" + "b" * 5000 + ".com",
        "joe\x00@example.com",
    ],
)
def test_what_is_no_address_has_no_normal_form(typed: str | None) -> None:
    assert normal_email(typed) is None


@settings(deadline=None)
@given(
    st.from_regex(re.compile(r"[a-zA-Z0-9.+'_-]{1,70}@[a-zA-Z0-9.-]{1,80}\.[a-zA-Z]{1,5}", re.ASCII), fullmatch=True)
)
def test_the_short_way_judges_as_the_library_does(typed: str) -> None:
    bare = typed.strip("'.")
    try:
        expected = validate_email(bare, check_deliverability=False, strict=True).normalized.lower()
    except EmailNotValidError as error:
        expected = None
        if "special-use" in str(error):
            return
    assert normal_email(bare) == expected


@settings(deadline=None)
@given(st.one_of(st.emails(), st.builds("{}@{}.com".format, st.text(max_size=12), st.text(min_size=1, max_size=8))))
def test_a_normal_form_is_its_own_normal_form_whatever_its_case(typed: str) -> None:
    normal = normal_email(typed)
    if normal is not None:
        assert normal_email(normal) == normal
        if typed.isascii():
            assert normal_email(typed.upper()) == normal


@settings(deadline=None)
@given(st.text(max_size=60))
def test_no_text_makes_it_fail(typed: str) -> None:
    normal = normal_email(typed)
    assert normal is None or "@" in normal
