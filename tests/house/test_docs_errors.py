"""docs/errors.md and the tree in model/errors.py name every error, and no other."""

import ast
import functools
import re

from house.repository import SOURCE, base_names, classes, nodes, page
from leadwire.model import errors

TREE_LINE = re.compile(r"^( *)([A-Z]\w+)\b")
ROW = re.compile(r"^\| `([A-Z]\w+)` \|([^|]*)\|([^|]*)\|$", re.MULTILINE)
WORD_ROW = re.compile(r"^\| `([a-z-]+)` \| (\d{3}) \|", re.MULTILINE)
TREE = SOURCE / "model" / "errors.py"


@functools.cache
def _parents() -> dict[str, str]:
    """Every error of the package that descends from LeadwireError, with its parent."""
    pairs = {(node.name, base) for _, node in classes() for base in base_names(node)}
    found = {"LeadwireError": "Exception"}
    while more := {name: base for name, base in pairs if base in found and name not in found}:
        found |= more
    return found


def _drawn_tree() -> dict[str, str]:
    """The tree as the module's docstring draws it: each error with its parent."""
    drawn: dict[str, str] = {}
    path: list[tuple[int, str]] = []
    for line in (errors.__doc__ or "").splitlines():
        match = TREE_LINE.match(line)
        if match is None or match[2] not in _parents():
            continue
        depth = len(match[1])
        path = [step for step in path if step[0] < depth]
        drawn[match[2]] = path[-1][1] if path else "Exception"
        path.append((depth, match[2]))
    return drawn


def test_every_error_stands_in_the_page_with_what_happens_next() -> None:
    rows = ROW.findall(page("docs/errors.md"))
    assert sorted(name for name, _, _ in rows) == sorted(_parents())
    assert [name for name, happens, _ in rows if not happens.strip()] == []


def test_the_tree_in_the_module_is_the_tree_of_its_classes() -> None:
    own = {node.name for node in nodes(TREE) if isinstance(node, ast.ClassDef)}
    assert _drawn_tree() == {name: parent for name, parent in _parents().items() if name in own}


def test_every_error_has_a_message_of_its_own() -> None:
    mute = [node.name for _, node in classes() if node.name in _parents() and not ast.get_docstring(node)]
    assert mute == []


def test_every_word_of_a_problem_document_is_explained_with_its_status() -> None:
    titles = next(
        ast.literal_eval(node.value)
        for node in nodes(SOURCE / "web" / "problem.py")
        if isinstance(node, ast.AnnAssign)
        and isinstance(node.target, ast.Name)
        and node.target.id == "_TITLES"
        and node.value
    )
    explained = {word: int(status) for word, status in WORD_ROW.findall(page("docs/errors.md"))}
    assert explained == {word: status for word, (status, _) in titles.items()}
