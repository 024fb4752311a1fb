"""What the figures were measured on."""

import os
import platform
import time
from pathlib import Path
from statistics import median
from typing import Any

import apsw

FSYNCS = 300
PACE_CALLS = 50_000
PAGE = b"\0" * 4_096


def machine(folder: Path) -> dict[str, Any]:
    """Cores, versions, the disk's fsync and how busy the machine was; nothing that names it."""
    return {
        "cores": len(os.sched_getaffinity(0)),
        "processor": _processor(),
        "python": platform.python_version(),
        "sqlite": apsw.sqlite_lib_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "fsync_p50_ms": round(_fsync_p50_s(folder / "fsync.probe") * 1e3, 3),
        "pace_thousand_calls_per_s": pace(),
        "load_average_1m": round(os.getloadavg()[0], 2),
    }


def pace() -> float:
    """Thousands of small Python calls per second on one core, now: a shared host's speed changes by the minute."""
    best_s = 1.0
    for _ in range(5):
        started_s = time.perf_counter()
        for number in range(PACE_CALLS):
            str(number).encode().hex()
        best_s = min(best_s, time.perf_counter() - started_s)
    return round(PACE_CALLS / best_s / 1e3)


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _fsync_p50_s(path: Path) -> float:
    """The median of an appended page with its fdatasync."""
    took = []
    with path.open("wb", buffering=0) as file:
        for _ in range(FSYNCS):
            started_s = time.perf_counter()
            file.write(PAGE)
            os.fdatasync(file.fileno())
            took.append(time.perf_counter() - started_s)
    path.unlink()
    return median(took)
