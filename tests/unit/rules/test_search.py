"""By which words a lead is found."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadwire.rules.search import WORD_CHARACTERS_MAX, is_found, search_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        (" \t\n", []),
        ("Asha Rao", ["asha", "rao"]),
        ("asha.rao@example.com", ["asha", "rao", "example", "com"]),
        ("+91 98765-43210", ["91", "98765", "43210"]),
        ("a_b", ["a", "b"]),
        ("again again AGAIN", ["again"]),
        ("José", ["jose"]),
        ("Jose\u0301", ["jose"]),
        ("Straße STRASSE", ["strasse"]),
        ("İzmir ızgara", ["izmir", "ızgara"]),
        ("ﬁne Ａｂ①", ["fine", "ab1"]),
        ("प्रिया शर्मा", ["प्रिया", "शर्मा"]),
        ("Ёлка Йод", ["ёлка", "йод"]),
        ("李小龙 王", ["李小龙", "王"]),
        ("ශ්\u200dරී", ["ශ්රී"]),
        ("\u202a+91\u202c", ["91"]),
        ("❤\ufe0f\u0301 x", ["x"]),
        ("a\x00b", ["a", "b"]),
        ('"*(){}:^-', []),
    ],
)
def test_a_text_has_these_words(text: str, words: list[str]) -> None:
    assert search_words(text) == words


def test_a_long_word_is_cut_the_same_way_on_both_sides() -> None:
    long = "x" * 10_000
    assert search_words(long) == ["x" * WORD_CHARACTERS_MAX]
    assert is_found(search_words(long), search_words(long + "y"))


def test_every_asked_word_must_begin_a_word() -> None:
    words = search_words("Asha Rao")
    assert is_found(["as", "r"], words)
    assert not is_found(["as", "sha"], words)
    assert not is_found(["ashas"], words)
    assert is_found([], words)


@given(st.text())
def test_words_of_words_are_the_same_words(text: str) -> None:
    words = search_words(text)
    assert search_words(" ".join(words)) == words


@given(st.text())
def test_every_text_is_found_by_itself_in_every_normal_form(text: str) -> None:
    words = search_words(text)
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        assert search_words(unicodedata.normalize(form, text)) == words


@given(st.text(alphabet=st.characters(max_codepoint=127)), st.text())
def test_ascii_words_do_not_depend_on_what_stands_beside_them(text: str, other: str) -> None:
    assert set(search_words(text)) <= set(search_words(f"{text} {other}"))
