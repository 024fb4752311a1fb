"""Every named SQL block is used, and every block that is used exists."""

import ast
import re

from house.repository import SOURCE, modules, nodes
from leadwire.store.sqlite.statements import FILES, read_blocks

ROOM = SOURCE / "store" / "sqlite"
NAMED = re.compile(r"^(\w+)\.(\w+)$")


def _defined() -> set[str]:
    return {
        f"{path.stem}.{name}"
        for path in (ROOM / "sql").glob("*.sql")
        for name in read_blocks(path.read_text(encoding="utf-8"))
    }


class Mentions:
    """What the code says of blocks: whole names, bare names (fragments), and the fixed part of names it puts together."""

    def __init__(self) -> None:
        self.whole: set[str] = set()
        self.bare: set[str] = set()
        self.beginnings: set[str] = set()
        for path in modules(ROOM):
            for node in nodes(path):
                if isinstance(node, ast.JoinedStr):
                    self._put_together(node)
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    self._say(node.value)

    def _put_together(self, node: ast.JoinedStr) -> None:
        first, last = node.values[0], node.values[-1]
        if isinstance(first, ast.Constant) and str(first.value).endswith("_"):
            self.beginnings.add(str(first.value))
        if isinstance(last, ast.Constant) and str(last.value).startswith("."):
            self.bare.add(str(last.value)[1:])

    def _say(self, value: str) -> None:
        match = NAMED.match(value)
        if match is not None and match[1] in FILES:
            self.whole.add(value)
        elif value.isidentifier():
            self.bare.add(value)

    def uses(self, name: str) -> bool:
        block = name.partition(".")[2]
        return name in self.whole or block in self.bare or block.startswith(tuple(self.beginnings))


def test_every_statement_that_is_asked_for_exists() -> None:
    asked = Mentions().whole
    assert asked
    assert sorted(asked - _defined()) == []


def test_every_block_is_used() -> None:
    mentions = Mentions()
    assert [name for name in sorted(_defined()) if not mentions.uses(name)] == []


def test_every_file_of_statements_is_read() -> None:
    assert sorted(path.stem for path in (ROOM / "sql").glob("*.sql")) == sorted(FILES)
