"""From what a person typed to a full-text query that no typing can break."""

from leadwire.rules.search import search_words


def match_query(text: str) -> str | None:
    """An FTS5 query: every word begins one of the lead's words. None where the text holds no word.

    The words hold letters, digits and marks only, and stand in quotes: nothing typed is ever query syntax.
    """
    words = search_words(text)
    return " AND ".join(f'"{word}"*' for word in words) if words else None
