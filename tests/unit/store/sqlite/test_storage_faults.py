"""The disk fails or fills up: nothing is acknowledged that is not stored, a failure is final, a full disk heals."""

import asyncio
from pathlib import Path
from typing import Any

import apsw
import pytest

from leadwire.model.errors import StorageFailed, StorageFull
from leadwire.store.sqlite import SqliteLedger, Surroundings, open_ledger
from leadwire.testing.ledger_contract.samples import START, an_event


async def _made(path: Path) -> None:
    ledger = await open_ledger(path, clock_now=lambda: START)
    await ledger.close()


def _break(disk: Any, operation: str, after: int) -> list[int]:
    """From the `after`-th such operation on, every one fails once; answers a counter."""
    seen = [0]

    def before(done: str, _file: str) -> None:
        if done == operation:
            seen[0] += 1
            if seen[0] == after:
                raise apsw.IOError("as asked")

    disk.before = before
    return seen


async def _append_all(ledger: SqliteLedger, acknowledged: list[int]) -> None:
    for key in range(20):
        await ledger.events.append([an_event(key)], START)
        acknowledged.append(key)


async def _pragma(ledger: SqliteLedger, text: str) -> None:
    await ledger._committer.write_one(lambda session: len(session.connection.execute(text).fetchall()))


@pytest.mark.parametrize("operation", ["sync", "write"])
@pytest.mark.parametrize("after", [1, 2, 3, 5])
async def test_after_a_failed_write_or_sync_nothing_is_acknowledged(
    path: Path, open_it: Any, disk: Any, operation: str, after: int
) -> None:
    await _made(path)
    ledger = await open_it(around=Surroundings(vfs=disk.vfs_name))
    _break(disk, operation, after)
    acknowledged: list[int] = []
    with pytest.raises(StorageFailed):
        await _append_all(ledger, acknowledged)
    for key in range(20, 23):
        with pytest.raises(StorageFailed):
            await ledger.events.append([an_event(key)], START)
    health = await ledger.health(START)
    assert not health.writable
    assert health.reason is not None
    await ledger.close()
    disk.before = lambda _operation, _file: None
    again = await open_it()
    stored = [event.request for event in await again.events.page(None, None, 100)]
    assert len(stored) >= len(acknowledged)
    assert await again.events.append([an_event(key) for key in acknowledged], START) == [None] * len(acknowledged)


async def test_every_call_that_shares_a_failed_commit_fails(path: Path, open_it: Any, disk: Any) -> None:
    await _made(path)
    ledger = await open_it(around=Surroundings(vfs=disk.vfs_name))
    _break(disk, "sync", 2)
    calls = [ledger.events.append([an_event(key)], START) for key in range(30)]
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(answer) for answer in answers[-1:]] == [StorageFailed]
    first_failure = next(place for place, answer in enumerate(answers) if isinstance(answer, StorageFailed))
    assert all(isinstance(answer, StorageFailed) for answer in answers[first_failure:])


async def test_a_sync_that_failed_is_never_tried_again(path: Path, open_it: Any, disk: Any) -> None:
    await _made(path)
    ledger = await open_it(around=Surroundings(vfs=disk.vfs_name))
    seen = _break(disk, "sync", 1)
    with pytest.raises(StorageFailed):
        await ledger.events.append([an_event(1)], START)
    for key in range(2, 5):
        with pytest.raises(StorageFailed):
            await ledger.events.append([an_event(key)], START)
    await ledger.close()
    assert seen == [1]


async def test_a_full_disk_refuses_and_heals_by_itself(ledger: SqliteLedger) -> None:
    await _pragma(ledger, "PRAGMA max_page_count = 1")  # SQLite keeps to the pages that are in use
    body = b"x" * 300_000
    with pytest.raises(StorageFull):
        await ledger.events.append([an_event(1, body=body)], START)
    assert await ledger.events.page(None, None, 10) == []
    await _pragma(ledger, "PRAGMA max_page_count = 1000000")
    assert await ledger.events.append([an_event(1, body=body)], START) != [None]


async def test_everyone_in_a_group_that_does_not_fit_is_told(ledger: SqliteLedger) -> None:
    await _pragma(ledger, "PRAGMA max_page_count = 1")
    calls = [ledger.events.append([an_event(key, body=b"x" * 300_000)], START) for key in range(5)]
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert {type(answer) for answer in answers} == {StorageFull}
    await _pragma(ledger, "PRAGMA max_page_count = 1000000")
    assert await ledger.events.append([an_event(9)], START) != [None]


async def test_below_the_low_water_mark_pushes_are_refused_and_other_work_goes_on(open_it: Any) -> None:
    room, clock = [1_000], [0.0]
    around = Surroundings(free_bytes=lambda _folder: room[0], monotonic_s=lambda: clock[0])
    ledger = await open_it(low_water=500, around=around)
    assert await ledger.events.append([an_event(1)], START) == [1]
    room[0] = 499
    clock[0] += 1.0
    with pytest.raises(StorageFull, match="499 bytes left"):
        await ledger.events.append([an_event(2)], START)
    assert len(await ledger.events.unresolved(10)) == 1
    assert await ledger.desk.claim("nobody", "asha", START) is False
    assert (await ledger.health(START)).writable is False
    room[0] = 500
    clock[0] += 1.0
    assert await ledger.events.append([an_event(2)], START) != [None]
    assert (await ledger.health(START)).writable is True


async def test_the_disk_is_asked_at_most_once_a_second(open_it: Any) -> None:
    looks, clock = [0], [0.0]

    def look(_folder: Path) -> int:
        looks[0] += 1
        return 1_000

    ledger = await open_it(low_water=1, around=Surroundings(free_bytes=look, monotonic_s=lambda: clock[0]))
    for key in range(10):
        await ledger.events.append([an_event(key)], START)
    assert looks == [1]
    clock[0] += 1.0
    await ledger.events.append([an_event(11)], START)
    assert looks == [2]


async def test_health_tells_of_commits_and_the_log(ledger: SqliteLedger) -> None:
    await ledger.events.append([an_event(1)], START)
    health = await ledger.health(START)
    assert health.writable
    assert health.commits >= 2
    assert health.commit_seconds_total > 0
    assert health.wal_bytes is not None
    assert health.wal_bytes > 0
    assert health.disk_free_bytes is not None
    await ledger.close()
    assert (await ledger.health(START)).reason == "the ledger is closed"
