"""One process per ledger: an exclusive flock on a side file, which also says where the running server can be reached.

The lock stands on `<ledger>.lock` and never on the ledger itself: opening and closing that one outside SQLite drops SQLite's locks.
"""

import fcntl
import os
import time
from pathlib import Path

import msgspec

from leadwire.model.errors import StoreRefused

_PATIENCE_S = 0.5  # a reader of the announcement may hold the lock for a moment
_STEP_S = 0.02
_BYTES_MAX = 4096


class Announcement(msgspec.Struct, frozen=True, kw_only=True):
    """Which process has the ledger, and how programs of the same user reach it."""

    pid: int
    url: str | None = None
    key: str | None = None


def lock_path(path: Path) -> Path:
    """The side file of a ledger."""
    return path.with_name(path.name + ".lock")


class Lock:
    """Holds a ledger until it is released or the process ends, however it ends."""

    def __init__(self, path: Path) -> None:
        """Raises StoreRefused, naming the process that has it, where the ledger is in use."""
        self._path = path
        try:
            self._descriptor: int | None = os.open(lock_path(path), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreRefused(
                f"{lock_path(path)} can't be written ({error.strerror}): check the folder's owner and mode"
            ) from error
        if not _take(self._descriptor, fcntl.LOCK_EX, _PATIENCE_S):
            holder = _read(self._descriptor)
            self._close()
            raise StoreRefused(_refusal(path, holder))
        os.fchmod(self._descriptor, 0o600)
        self.announce(None, None)

    def announce(self, url: str | None, key: str | None) -> None:
        """Writes where this process can be reached; only the same user can read it."""
        assert self._descriptor is not None
        text = msgspec.json.encode(Announcement(pid=os.getpid(), url=url, key=key))
        os.pwrite(self._descriptor, text.ljust(_BYTES_MAX), 0)
        os.ftruncate(self._descriptor, _BYTES_MAX)

    def release(self) -> None:
        """Lets the next process have it. May be called again."""
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)
            self._close()

    def _close(self) -> None:
        assert self._descriptor is not None
        os.close(self._descriptor)
        self._descriptor = None


def read_announcement(path: Path) -> Announcement | None:
    """What the process that has the ledger at `path` announced; None where no process has it."""
    try:
        descriptor = os.open(lock_path(path), os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        if _take(descriptor, fcntl.LOCK_SH, 0.0):
            return None  # closing the descriptor lets go of it
        return _read(descriptor)
    finally:
        os.close(descriptor)


def _take(descriptor: int, kind: int, patience_s: float) -> bool:
    give_up_at = time.monotonic() + patience_s
    while True:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= give_up_at:
                return False
            time.sleep(_STEP_S)
        else:
            return True


def _read(descriptor: int) -> Announcement | None:
    try:
        return msgspec.json.decode(os.pread(descriptor, _BYTES_MAX, 0), type=Announcement)
    except msgspec.MsgspecError:
        return None


def _refusal(path: Path, holder: Announcement | None) -> str:
    who = "another process" if holder is None else f"process {holder.pid}"
    return (
        f"{path} is in use by {who}: a ledger in a file belongs to one process. "
        f"Stop that one first, or use a ledger of its own ([store] url) for this one."
    )
