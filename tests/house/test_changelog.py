"""The changelog is kept, and says what is not there."""

import re

from house.repository import ROOT, page, sections
from leadwire.cli.program import COMMANDS

KINDS = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security", "Not there yet"}
TITLE = re.compile(r"^(Unreleased|\d+\.\d+\.\d+ - \d{4}-\d{2}-\d{2})$")


def test_the_first_version_is_the_unreleased_one() -> None:
    versions = [line[3:] for line in page("CHANGELOG.md").splitlines() if line.startswith("## ")]
    assert versions[0] == "Unreleased"
    assert [title for title in versions if not TITLE.match(title)] == []


def test_every_part_is_of_a_known_kind_and_says_something() -> None:
    parts = [line[4:] for line in page("CHANGELOG.md").splitlines() if line.startswith("### ")]
    assert set(parts) <= KINDS
    assert all("- " in sections(page("CHANGELOG.md"))[part] for part in parts)


def test_nothing_that_is_there_is_called_missing() -> None:
    """A command that exists must leave the list of those that do not."""
    lacking = sections(page("CHANGELOG.md"))["Not there yet"]
    named = set(re.findall(r"`([a-z]+)`", lacking))
    assert sorted(named & set(COMMANDS)) == []
    missing_connectors = {"bigquery", "sql", "cloudflare_kv"}
    built = {path.name for path in (ROOT / "src" / "leadwire" / "connectors").iterdir()}
    assert not (missing_connectors & built and "Warehouse sources and Cloudflare KV" in lacking)


def test_every_decision_is_numbered_once_and_has_its_parts() -> None:
    found = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert [path.name[:4] for path in found] == [f"{number:04d}" for number in range(1, len(found) + 1)]
    for path in found:
        assert {"Context", "Decision", "Consequences"} <= set(sections(path.read_text(encoding="utf-8"))), path.name
