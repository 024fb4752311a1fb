"""A ledger belongs to one process, and what it acknowledged outlives its violent end."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from leadwire.model.errors import StoreRefused
from leadwire.store.sqlite import Announcement, open_ledger, read_announcement
from leadwire.testing.ledger_contract.samples import START

OPEN = """
import asyncio, sys
from pathlib import Path
from leadwire.model.errors import StoreRefused
from leadwire.store.sqlite import open_ledger

async def main():
    try:
        ledger = await open_ledger(Path(sys.argv[1]), clock_now=lambda: 1)
    except StoreRefused as refusal:
        print(refusal)
        sys.exit(3)
    await ledger.close()

asyncio.run(main())
"""

APPEND_FOR_EVER = """
import asyncio, sys
from itertools import count
from pathlib import Path
from leadwire.store.sqlite import open_ledger
from leadwire.testing.ledger_contract.samples import an_event

async def main():
    ledger = await open_ledger(Path(sys.argv[1]), clock_now=lambda: 1)
    first = int(sys.argv[2])
    for key in count(first, 3):
        calls = [ledger.events.append([an_event(key + more)], 1) for more in range(3)]
        await asyncio.gather(*calls)
        print(key + 2, flush=True)

asyncio.run(main())
"""


def _open_elsewhere(path: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", OPEN, str(path)]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=20)


def _content(path: Path) -> bytes:
    """Read by another process: to open and close a live ledger in this one would drop SQLite's locks."""
    return subprocess.run(["cat", str(path)], check=True, capture_output=True, timeout=20).stdout


def _run_until_killed(path: Path, first: int, lines: int) -> int:
    """Lets a process append from `first` on, kills it after so many acknowledged groups; answers the last acknowledged key."""
    command = [sys.executable, "-c", APPEND_FOR_EVER, str(path), str(first)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = [process.stdout.readline() for _ in range(lines)]
        process.send_signal(signal.SIGKILL)
        told += process.stdout.read().splitlines()
    return max(int(line) for line in told if line.strip().isdigit())


async def test_a_second_process_is_refused_at_once_and_told_who_has_it(path: Path, ledger: Any) -> None:
    before = _content(path)
    started = time.monotonic()
    second = _open_elsewhere(path)
    assert second.returncode == 3
    assert time.monotonic() - started < 2.0 + _start_s()
    assert f"in use by process {os.getpid()}" in second.stdout
    assert "Stop that one first" in second.stdout
    assert _content(path) == before


def _start_s() -> float:
    """How long an interpreter needs here to import the store."""
    started = time.monotonic()
    subprocess.run([sys.executable, "-c", "import leadwire.store.sqlite"], check=True, timeout=20)
    return time.monotonic() - started


async def test_a_second_ledger_of_the_same_process_is_refused(path: Path, ledger: Any) -> None:
    with pytest.raises(StoreRefused, match="in use"):
        await open_ledger(path, clock_now=lambda: START)


async def test_a_closed_ledger_is_free(path: Path, ledger: Any) -> None:
    await ledger.close()
    second = _open_elsewhere(path)
    assert second.returncode == 0, second.stdout + second.stderr


@pytest.mark.parametrize("rounds", [3, pytest.param(40, marks=pytest.mark.slow)])
async def test_a_killed_process_leaves_all_it_acknowledged_and_the_ledger_free(
    path: Path, open_it: Any, rounds: int
) -> None:
    last = -1
    for number in range(rounds):
        last = _run_until_killed(path, last + 1, 5 + number)
        ledger = await open_it()
        stored = {event.sequence for event in await ledger.events.page(None, None, 100_000)}
        assert len(stored) > last
        await ledger.close()


async def test_the_owner_tells_its_user_how_to_reach_it(path: Path, ledger: Any) -> None:
    assert read_announcement(path) == Announcement(pid=os.getpid())
    ledger.announce("http://127.0.0.1:8080", "a key")
    assert read_announcement(path) == Announcement(pid=os.getpid(), url="http://127.0.0.1:8080", key="a key")
    assert path.with_name("leadwire.db.lock").stat().st_mode & 0o777 == 0o600


async def test_a_ledger_without_an_owner_announces_nothing(path: Path, ledger: Any) -> None:
    ledger.announce("http://127.0.0.1:8080", "a key")
    await ledger.close()
    assert read_announcement(path) is None
    assert read_announcement(path.with_name("another.db")) is None


async def test_looking_at_the_announcement_does_not_let_a_second_owner_in(path: Path, ledger: Any) -> None:
    assert read_announcement(path) is not None
    with pytest.raises(StoreRefused):
        await open_ledger(path, clock_now=lambda: START)
