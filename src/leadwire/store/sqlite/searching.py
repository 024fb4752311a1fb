"""From what a person typed to a full-text query that no typing can break."""

from leadwire.rules.search import search_words
from leadwire.store.sqlite.session import Parameters, Session

FEW = 5_000


def match_query(text: str) -> str | None:
    """An FTS5 query: every word begins one of the lead's words. None where the text holds no word.

    The words hold letters, digits and marks only, and stand in quotes: nothing typed is ever query syntax.
    """
    words = search_words(text)
    return " AND ".join(f'"{word}"*' for word in words) if words else None


def is_few(session: Session, count: str, parameters: Parameters) -> bool:
    """Whether a bounded count stays below the bound: then it is cheaper to sort what is found than to walk in order."""
    found = session.number(count, {**parameters, "few": FEW})
    return found is not None and found < FEW


def choose(session: Session, file: str, words: str | None, source: str | None, *, otherwise: str) -> list[str]:
    """How to find a page of leads: from the rare side where there is one, else along the page's own order.

    Answers fragments of the file's page statement; `otherwise` names the index of its order.
    """
    fragments = ["where_text"] if words is not None else []
    is_rare = words is not None and is_few(session, f"{file}.count_words", {"words": words})
    if source is not None:
        is_rare_source = not is_rare and is_few(session, f"{file}.count_source", {"source": source})
        fragments.append("where_rare_source" if is_rare_source else "where_source")
        is_rare = is_rare or is_rare_source
    return fragments if is_rare else [*fragments, otherwise]
