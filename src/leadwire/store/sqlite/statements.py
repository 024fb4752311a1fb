"""Named SQL: every statement stands as a block in a .sql file, one file per port, and is found as "file.block"."""

import re
from collections.abc import Mapping, Sequence
from importlib.resources import files

FILES = (
    "delivery_book",
    "delivery_queue",
    "desk",
    "event_log",
    "fetch_queue",
    "lead_book",
    "ledger",
    "pause_book",
    "token_book",
    "user_book",
)
_BLOCK = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


def read_blocks(text: str) -> dict[str, str]:
    """The named blocks of a .sql file; what stands before the first is a comment."""
    parts = _BLOCK.split(text)
    return {name: body.strip() for name, body in zip(parts[1::2], parts[2::2], strict=True)}


class Statements:
    """All statements of the store. Where a block holds `{where}` or `{index}`, the named fragments of its file are put in."""

    def __init__(self, blocks: Mapping[str, str]) -> None:
        self._blocks = blocks
        self._composed: dict[tuple[str, tuple[str, ...]], str] = {}

    def text(self, name: str, fragments: Sequence[str] = ()) -> str:
        """The statement "file.block" with these fragments; raises KeyError for a name that is in no file."""
        asked = (name, tuple(fragments))
        known = self._composed.get(asked)
        if known is None:
            known = self._composed[asked] = self._compose(*asked)
        return known

    def _compose(self, name: str, fragments: Sequence[str]) -> str:
        block = self._blocks[name]
        if "{where}" not in block:
            return block
        file = name.partition(".")[0]
        chosen = [self._blocks[f"{file}.{fragment}"] for fragment in fragments]
        index = [text for text in chosen if text.startswith("INDEXED BY")]
        where = [text for text in chosen if text not in index]
        return block.replace("{index}", " ".join(index)).replace("{where}", " ".join(where))


def load_statements() -> Statements:
    """Reads the .sql files that are shipped with this package."""
    folder = files("leadwire.store.sqlite") / "sql"
    blocks: dict[str, str] = {}
    for file in FILES:
        text = (folder / f"{file}.sql").read_text(encoding="utf-8")
        blocks |= {f"{file}.{name}": body for name, body in read_blocks(text).items()}
    return Statements(blocks)
