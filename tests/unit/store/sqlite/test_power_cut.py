"""The power goes at any write: whatever was acknowledged is there afterwards, and the file is sound."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import apsw
import msgspec
import pytest

from leadwire.ports.lead_book import EventDone
from leadwire.store.sqlite import SqliteLedger, Surroundings, open_ledger
from leadwire.testing.ledger_contract.samples import START, an_event, lead_absorption

Cut = tuple[dict[str, bytes], list[tuple[str, str]]]

STEPS = 40


class Blackouts:
    """Takes pictures of the disk as a power cut at that moment would leave it, with what was acknowledged by then."""

    def __init__(self, disk: Any, chance: random.Random, share: float) -> None:
        self.acknowledged: list[tuple[str, str]] = []
        self.cuts: list[Cut] = []
        self._disk = disk
        self._chance = chance
        self._share = share
        disk.before = self._look

    def _look(self, _operation: str, _file: str) -> None:
        if self._chance.random() < self._share:
            image = {
                name: content.after_cut(self._chance)
                for name, content in self._disk.snapshot().items()
                if not name.endswith("-shm")
            }
            self.cuts.append((image, list(self.acknowledged)))


async def _live(ledger: SqliteLedger, blackouts: Blackouts, chance: random.Random, pragma: str | None) -> None:
    """Pushes come in, in groups; some become leads; now and then the log is copied into the file."""
    if pragma is not None:
        await _on_connection(ledger, pragma)

    async def push(key: int) -> None:
        body = chance.randbytes(chance.choice([50, 600, 9_000]))
        (sequence,) = await ledger.events.append([an_event(key, body=body)], START)
        assert sequence is not None
        blackouts.acknowledged.append(("events", an_event(key).dedup_key.hex()))
        if key % 4 == 0:
            done = [EventDone(sequence=sequence)]
            absorption = msgspec.structs.replace(lead_absorption(f"lead-{key}"), events=done)
            await ledger.leads.absorb(absorption, START)
            blackouts.acknowledged.append(("leads", f"lead-{key}"))

    key = 0
    for step in range(STEPS):
        group = range(key, key + chance.randint(1, 4))
        key = group.stop
        await asyncio.gather(*map(push, group))
        if step % 9 == 8:
            await _on_connection(ledger, "PRAGMA wal_checkpoint(PASSIVE)")


async def _on_connection(ledger: SqliteLedger, sql: str) -> None:
    await ledger._committer.write_one(lambda session: len(session.connection.execute(sql).fetchall()))


def _lost(folder: Path, cut: Cut) -> list[tuple[str, str]]:
    """What was acknowledged and is gone after the cut; raises where the file is not sound."""
    image, acknowledged = cut
    for old in folder.iterdir():
        old.unlink()
    for name, content in image.items():
        (folder / name).write_bytes(content)
    connection = apsw.Connection(str(folder / "leadwire.db"))
    try:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        events = {("events", row[0]) for row in connection.execute("SELECT lower(hex(dedup_key)) FROM events")}
        leads = {("leads", row[0]) for row in connection.execute("SELECT id FROM leads")}
    finally:
        connection.close()
    return [fact for fact in acknowledged if fact not in events | leads]


async def _run(
    path: Path, open_it: Callable[..., Awaitable[SqliteLedger]], disk: Any, seed: int, pragma: str | None, share: float
) -> Blackouts:
    chance = random.Random(seed)
    made = await open_ledger(path, clock_now=lambda: START)
    await made.close()
    ledger = await open_it(around=Surroundings(vfs=disk.vfs_name))
    blackouts = Blackouts(disk, chance, share)
    await _live(ledger, blackouts, chance, pragma)
    disk.before = lambda _operation, _file: None
    return blackouts


async def _audit(tmp_path: Path, blackouts: Blackouts) -> tuple[int, int]:
    """How many cuts there were, and after how many of them something acknowledged was gone."""
    folder = tmp_path / "after"
    folder.mkdir()
    lost = [bool(_lost(folder, cut)) for cut in blackouts.cuts]
    return len(lost), sum(lost)


async def test_nothing_acknowledged_is_lost_in_a_power_cut(path: Path, tmp_path: Path, open_it: Any, disk: Any) -> None:
    cuts, lost = await _audit(tmp_path, await _run(path, open_it, disk, 1, None, 0.25))
    assert cuts >= 200
    assert lost == 0


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 12))
async def test_nothing_acknowledged_is_lost_in_many_power_cuts(
    path: Path, tmp_path: Path, open_it: Any, disk: Any, seed: int
) -> None:
    cuts, lost = await _audit(tmp_path, await _run(path, open_it, disk, seed, None, 1.0))
    assert cuts >= 800
    assert lost == 0


@pytest.mark.parametrize("pragma", ["PRAGMA synchronous = NORMAL", "PRAGMA synchronous = OFF"])
async def test_the_audit_catches_a_store_that_does_not_sync(
    path: Path, tmp_path: Path, open_it: Any, disk: Any, pragma: str
) -> None:
    blackouts = await _run(path, open_it, disk, 1, pragma, 0.05)
    folder = tmp_path / "after"
    folder.mkdir()
    caught = 0
    for cut in blackouts.cuts:
        try:
            caught += bool(_lost(folder, cut))
        except (AssertionError, apsw.Error):  # not even sound
            caught += 1
    assert caught > len(blackouts.cuts) // 4
