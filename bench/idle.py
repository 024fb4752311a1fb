"""Idle: memory and processor share of a leadwire that waits. Start: from exec to ready, on a fresh and on a filled ledger."""

import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

from bench.growth import fill
from bench.processes import LOAD_CORE, Running, free_port, leadwire, module

SETTLE_S = 5.0
STARTS = 5
FILLED = 100_000

CONFIG = """[server]
host = "127.0.0.1"
port = {port}
log_format = "json"
[store]
url = "sqlite:///{name}.db"
[identity]
default_region = "IN"
{meta}
{knowlarity}
{crm}
[syncs.crm]
from = ["meta", "knowlarity"]
to = "crm"
[egress]
allow = ["127.0.0.1/32"]
"""


def _written(folder: Path, name: str, parts: dict[str, str]) -> tuple[Path, int]:
    port = free_port()
    config = folder / f"{name}.toml"
    config.write_text(CONFIG.format(port=port, name=name, **parts))
    return config, port


def _town(folder: Path, stack: ExitStack) -> dict[str, str]:
    town = module("town", {"leads": 0, "list_file": str(folder / "none.json")})
    parts: dict[str, str] = stack.enter_context(Running(town, core=LOAD_CORE)).hear()
    return parts


def idle(folder: Path, seconds: float) -> dict[str, Any]:
    """Two sources with their polls, one destination, nothing to do."""
    with ExitStack() as stack:
        config, port = _written(folder, "idle", _town(folder, stack))
        server = stack.enter_context(Running(leadwire(config), log=folder / "idle.log"))
        server.await_ready(port)
        time.sleep(SETTLE_S)
        before_s, started_s = server.cpu_s(), time.perf_counter()
        time.sleep(seconds)
        share = (server.cpu_s() - before_s) / (time.perf_counter() - started_s)
        threads = sorted(server.threads_cpu_s())
        return {
            "memory_mb": round(server.memory_mb(), 1),
            "cpu_percent": round(share * 100, 3),
            "seconds": seconds,
            "threads": len(threads),
        }


def start(folder: Path, filled: int = FILLED) -> dict[str, Any]:
    """The median of several starts; the first one of the fresh ledger makes its file."""
    with ExitStack() as stack:
        parts = _town(folder, stack)
        figures: dict[str, Any] = {"filled_leads": filled}
        for name, leads in (("fresh", 0), ("filled", filled)):
            took = []
            for number in range(STARTS):
                config, port = _written(folder, name if leads else f"fresh{number}", parts)
                if leads and not number:
                    fill(folder / f"{name}.db", leads)
                with Running(leadwire(config), log=folder / f"{name}.log") as server:
                    took.append(server.await_ready(port))
                    memory_mb = server.memory_mb()
            figures[f"{name}_s"] = round(median(took), 3)
            figures[f"{name}_best_s"] = round(min(took), 3)
            figures[f"{name}_memory_mb"] = round(memory_mb, 1)
        return figures
