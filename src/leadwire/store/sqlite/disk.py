"""How much room the disk has left, and whether that is too little to take more in."""

import os
from collections.abc import Callable
from pathlib import Path

LOW_WATER_BYTES = 256 * 1024 * 1024
LOW_WATER_SHARE = 0.02
LOOK_EVERY_S = 1.0


def low_water_bytes(folder: Path) -> int:
    """The default limit: 256 MiB, or 2 % of a small disk."""
    found = os.statvfs(folder)
    return min(LOW_WATER_BYTES, int(found.f_blocks * found.f_frsize * LOW_WATER_SHARE))


def free_bytes(folder: Path) -> int:
    """What an ordinary user may still write there."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


def file_bytes(path: Path) -> int:
    """The size of a file; 0 where there is none."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


class FreeSpace:
    """Watches the free space, looking at most once a second."""

    def __init__(self, look: Callable[[], int], low_water: int, monotonic_s: Callable[[], float]) -> None:
        self._look = look
        self._low_water = low_water
        self._monotonic_s = monotonic_s
        self._looked_at_s: float | None = None
        self._free = 0

    def free(self) -> int:
        """Bytes that were free at the last look."""
        now_s = self._monotonic_s()
        if self._looked_at_s is None or now_s - self._looked_at_s >= LOOK_EVERY_S:
            self._free = self._look()
            self._looked_at_s = now_s
        return self._free

    def shortage(self) -> str | None:
        """Why nothing more is taken in; None while there is room."""
        free = self.free()
        if free >= self._low_water:
            return None
        return f"the disk has {free} bytes left, and {self._low_water} are kept free: make room"
