"""Every link of every page leads somewhere."""

import re
from pathlib import Path

from house.repository import ROOT, page, pages, shown, text, without_blocks

LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#{1,6} (.+?)\s*$", re.MULTILINE)


def _anchors(path: Path) -> set[str]:
    """The anchors of a page as GitHub makes them."""
    titles = [re.sub(r"[`*]", "", title).lower() for title in HEADING.findall(without_blocks(text(path)))]
    return {re.sub(r"[^\w\- ]", "", title).replace(" ", "-") for title in titles}


def _is_broken(path: Path, link: str) -> bool:
    target, _, anchor = link.partition("#")
    found = (path.parent / target).resolve() if target else path
    if not found.exists():
        return True
    return bool(anchor) and found.suffix == ".md" and anchor not in _anchors(found)


def _local_links(path: Path) -> list[str]:
    found = [first or second for first, second in LINK.findall(without_blocks(text(path)))]
    return [link for link in found if not re.match(r"[a-z]+:", link)]


def test_every_local_link_leads_somewhere() -> None:
    links = [(path, link) for path in pages() for link in _local_links(path)]
    assert len(links) > 10
    assert [f"{shown(path)}: {link}" for path, link in links if _is_broken(path, link)] == []


def test_every_page_of_the_docs_is_reached_from_the_readme() -> None:
    linked = set(_local_links(ROOT / "README.md"))
    unreached = [
        name
        for path in pages()
        if (name := shown(path)).startswith("docs/") and not name.startswith("docs/decisions/") and name not in linked
    ]
    reached_later = page("docs/operating.md")
    assert [name for name in unreached if name.removeprefix("docs/") not in reached_later] == []
