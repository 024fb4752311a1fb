"""docs/reliability.md names tests that exist."""

import ast
import re

from house.repository import ROOT, nodes, page

ROW = re.compile(r"^\| ([^|]+) \| (.+) \|$", re.MULTILINE)
NAMED = re.compile(r"^`([\w/]+\.py)::(test_\w+)`$")
PROMISES = (
    "What was answered 2xx is on disk",
    "What is on disk becomes a lead",
    "Every destination gets it",
    "None twice",
    "You can see every attempt, and replay any",
    "All of it together",
)


def _rows() -> list[tuple[str, str]]:
    rows = ROW.findall(page("docs/reliability.md"))
    return [(promise, test) for promise, test in rows if promise not in ("promise", "---")]


def _tests(name: str) -> set[str]:
    path = ROOT / name
    if not path.is_file():
        return set()
    return {node.name for node in nodes(path) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_every_promise_names_a_test_that_exists() -> None:
    rows = _rows()
    assert len(rows) > 30
    unproved = []
    for promise, test in rows:
        match = NAMED.match(test)
        if match is None or match[2] not in _tests(match[1]):
            unproved.append(f"{promise}: {test}")
    assert unproved == []


def test_every_part_of_the_promise_is_there() -> None:
    assert [title for title in PROMISES if f"\n## {title}\n" not in page("docs/reliability.md")] == []


def test_every_suite_that_a_promise_names_is_run_against_the_stores() -> None:
    """A suite in the package proves something only where a test module inherits it."""
    run = {
        ast.unparse(base).rpartition(".")[2]
        for node in nodes(ROOT / "tests/contract/store/test_ledger_contract.py")
        if isinstance(node, ast.ClassDef)
        for base in node.bases
    }
    named = {match[1] for _, test in _rows() if (match := NAMED.match(test)) and match[1].startswith("src/")}
    for name in sorted(named):
        suites = {
            node.name
            for node in nodes(ROOT / name)
            if isinstance(node, ast.ClassDef)
            and any(isinstance(item, ast.AsyncFunctionDef) and item.name.startswith("test_") for item in node.body)
        }
        assert suites, name
        assert suites <= run, name
