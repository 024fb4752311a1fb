"""A disk that tells which bytes are safe, and breaks on demand; and ledgers that are closed after the test."""

import copy
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import apsw
import pytest

from leadwire.store.sqlite import SqliteLedger, open_ledger
from leadwire.testing.manual_clock import START

SECTOR = 512
_number = count()


class Content:
    """What of one file survives a power cut: `safe` for sure, of `pending` any part."""

    def __init__(self, safe: bytes) -> None:
        self.safe = bytearray(safe)
        self.pending: list[tuple[int, bytes | None]] = []

    def sync(self) -> None:
        for at, data in self.pending:
            _apply(self.safe, at, data)
        self.pending.clear()

    def after_cut(self, chance: random.Random) -> bytes:
        """The safe bytes with some sectors of what was not synced."""
        left = bytearray(self.safe)
        share = chance.choice([0.0, 0.5, 0.9, 1.0])
        for at, data in self.pending:
            if data is None:
                if chance.random() < share:
                    _apply(left, at, None)
                continue
            for start in range(0, len(data), SECTOR):
                if chance.random() < share:
                    _apply(left, at + start, data[start : start + SECTOR])
        return bytes(left)


def _apply(content: bytearray, at: int, data: bytes | None) -> None:
    if data is None:
        del content[at:]
        return
    if len(content) < at:
        content.extend(bytes(at - len(content)))
    content[at : at + len(data)] = data


class Disk(apsw.VFS):
    """Passes everything on to the real disk. `before` is told of every write and sync, and may raise in its place."""

    def __init__(self) -> None:
        self.vfs_name = f"disk-{next(_number)}"
        self.contents: dict[str, Content] = {}
        self.before: Callable[[str, str], None] = lambda _operation, _file: None
        super().__init__(self.vfs_name, "")

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:  # noqa: N802
        return DiskFile(self, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
        super().xDelete(filename, syncdir)
        self.contents.pop(Path(filename).name, None)

    def snapshot(self) -> dict[str, Content]:
        return copy.deepcopy(self.contents)


class DiskFile(apsw.VFSFile):
    def __init__(self, disk: Disk, name: Any, flags: list[int]) -> None:
        super().__init__("", name, flags)
        self._disk = disk
        self._name = Path(str(name.filename() if isinstance(name, apsw.URIFilename) else name)).name
        if self._name not in disk.contents:
            size = self.xFileSize()
            disk.contents[self._name] = Content(self.xRead(size, 0) if size else b"")

    def xWrite(self, data: Any, offset: int) -> None:  # noqa: N802
        self._disk.before("write", self._name)
        super().xWrite(data, offset)
        self._disk.contents[self._name].pending.append((offset, bytes(data)))

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        self._disk.before("truncate", self._name)
        super().xTruncate(newsize)
        self._disk.contents[self._name].pending.append((newsize, None))

    def xSync(self, flags: int) -> None:  # noqa: N802
        self._disk.before("sync", self._name)
        super().xSync(flags)
        self._disk.contents[self._name].sync()


Open = Callable[..., Awaitable[SqliteLedger]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "leadwire.db"


@pytest.fixture
def disk() -> Iterator[Disk]:
    disk = Disk()
    yield disk
    disk.unregister()


@pytest.fixture
async def open_it(path: Path) -> AsyncIterator[Open]:
    """Opens the ledger at `path`; whatever was opened is closed after the test."""
    opened: list[SqliteLedger] = []

    async def open_it(**options: Any) -> SqliteLedger:
        opened.append(await open_ledger(path, clock_now=lambda: START, **options))
        return opened[-1]

    yield open_it
    for ledger in opened:
        await ledger.close()


@pytest.fixture
async def ledger(open_it: Open) -> SqliteLedger:
    return await open_it()
