"""Copies and checks of a ledger, also while it is written to."""

import asyncio
import os
import random
from pathlib import Path
from typing import Any

import pytest

from leadwire.model.errors import StoreRefused
from leadwire.store.sqlite import Surroundings, backup, check, migrate, open_ledger
from leadwire.store.sqlite.migrations import Migration, load_migrations
from leadwire.testing.ledger_contract.samples import START, an_event, lead_absorption


def _content(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


def _put(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def _stat(path: Path) -> os.stat_result:
    return path.stat()


async def _filled(path: Path, leads: int) -> None:
    ledger = await open_ledger(path, clock_now=lambda: START)
    for number in range(leads):
        await ledger.events.append([an_event(number, body=bytes(500))], START)
        await ledger.leads.absorb(
            lead_absorption(f"lead-{number}", keys=[f"phone:{number}"], search=f"n{number}"), START
        )
    await ledger.close()


async def test_a_copy_made_while_writing_is_sound_and_holds_all_from_before(path: Path, ledger: Any) -> None:
    for key in range(100):
        await ledger.events.append([an_event(key, body=bytes(20_000))], START)
    target = path.with_name("copy.db")
    copying = asyncio.create_task(asyncio.to_thread(backup, path, target))
    key = 100
    while not copying.done():
        await ledger.events.append([an_event(key)], START)
        key += 1
    await copying
    report = check(target)
    assert report.is_sound
    assert report.counts["events"] >= 100
    assert _content(path.with_name("copy.db-wal")) == b""
    assert _stat(target).st_mode & 0o777 == 0o600


async def test_a_copy_can_be_opened_as_a_ledger(path: Path) -> None:
    await _filled(path, 3)
    target = path.with_name("copy.db")
    backup(path, target)
    restored = await open_ledger(target, clock_now=lambda: START)
    assert await restored.leads.lead("lead-2") is not None
    assert await restored.events.append([an_event(2)], START) == [None]
    await restored.close()


async def test_a_copy_never_overwrites(path: Path) -> None:
    await _filled(path, 1)
    target = path.with_name("copy.db")
    _put(target, b"mine")
    with pytest.raises(StoreRefused, match="exists already"):
        backup(path, target)
    assert _content(target) == b"mine"


async def test_a_check_counts_beside_the_owner(path: Path, ledger: Any) -> None:
    await ledger.events.append([an_event(1)], START)
    await ledger.leads.absorb(lead_absorption("a"), START)
    report = check(path)
    assert report.is_sound
    assert report.counts == {"events": 1, "records": 1, "leads": 1, "deliveries": 1, "attempts": 0, "fetches": 0}


async def test_a_flipped_bit_is_found_or_harmless(path: Path) -> None:
    await _filled(path, 60)
    sound = _content(path)
    sound_counts = check(path).counts
    chance = random.Random(7)
    found = 0
    for _ in range(60):
        damaged = bytearray(sound)
        at = chance.randrange(100, len(damaged))
        damaged[at] ^= 1 << chance.randrange(8)
        _put(path, bytes(damaged))
        try:
            report = check(path)
        except StoreRefused:
            found += 1
            continue
        if report.is_sound:
            assert report.counts == sound_counts
        else:
            found += 1
    assert found > 0


async def test_an_index_that_lost_an_entry_is_found(path: Path) -> None:
    await _filled(path, 30)
    content = _content(path)
    place = content.rindex(b"phone:17")
    _put(path, content[:place] + b"phone:99" + content[place + 8 :])
    assert not check(path).is_sound


async def test_migrating_moves_an_older_ledger_forward_once(path: Path) -> None:
    await _filled(path, 1)
    step = Migration(number=2, name="note", sql="CREATE TABLE notes (id INTEGER PRIMARY KEY);")
    around = Surroundings(migrations=[*load_migrations(), step])
    migrate(path, START, around)
    copy = path.with_name("leadwire.db.before-0002")
    made_at = _stat(copy).st_mtime_ns
    migrate(path, START, around)
    assert _stat(copy).st_mtime_ns == made_at
    with pytest.raises(StoreRefused, match="newer leadwire"):
        migrate(path, START)


async def test_migrating_waits_for_nobody(path: Path, ledger: Any) -> None:
    with pytest.raises(StoreRefused, match="in use"):
        migrate(path, START)
