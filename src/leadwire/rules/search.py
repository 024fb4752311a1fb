"""By which words a lead is found: one rule for every store, so that a search answers the same everywhere."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

WORD_CHARACTERS_MAX = 64

_ASCII_WORD = re.compile(r"[a-z0-9]+")


def search_words(text: str) -> list[str]:
    """The words of a text, each once, in their order: letters and digits of any script with their combining marks; all else
    parts words.

    Equal for texts that look alike: no case, no compatibility forms (full width, ligatures), no accents on Latin letters
    ("jose" finds "José"), no invisible format characters. A word is cut after 64 characters, so that every store can index it.
    """
    words = _ASCII_WORD.findall(text.lower()) if text.isascii() else _split(_plain(text))
    return list(dict.fromkeys(word[:WORD_CHARACTERS_MAX] for word in words))


def is_found(asked: Iterable[str], words: Sequence[str]) -> bool:
    """Whether every asked word begins one of the words; no asked word asks for nothing, and everything is found."""
    return all(any(word.startswith(start) for word in words) for start in asked)


def _plain(text: str) -> str:
    """Compatibility form without case, without accents on Latin letters, composed."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    kept: list[str] = []
    base = ""
    for character in unicodedata.normalize("NFD", folded):
        if not unicodedata.combining(character):
            base = character
        elif base.isascii() and base.isalpha():
            continue
        kept.append(character)
    return unicodedata.normalize("NFC", "".join(kept))


def _split(text: str) -> Iterator[str]:
    word: list[str] = []
    for character in text:
        kind = unicodedata.category(character)
        if kind[0] in "LN" or (kind[0] == "M" and word):
            word.append(character)
        elif kind != "Cf" and word:  # a joiner or a direction mark parts nothing
            yield "".join(word)
            word.clear()
    if word:
        yield "".join(word)
