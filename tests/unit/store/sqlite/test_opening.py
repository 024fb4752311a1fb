"""A ledger is opened only where all its promises hold; the refusal says what to do."""

from pathlib import Path
from typing import Any

import apsw
import pytest

from leadwire.model.errors import StoreError, StoreRefused
from leadwire.ports.accounts import User
from leadwire.store.sqlite import Surroundings, open_ledger
from leadwire.store.sqlite.connection import check_library
from leadwire.store.sqlite.migrations import Migration, load_migrations
from leadwire.testing.ledger_contract.samples import START, an_event

SHIPPED = load_migrations()
NEXT = Migration(
    number=SHIPPED[-1].number + 1, name="note", sql="CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT);"
)
BROKEN = Migration(
    number=NEXT.number + 1, name="broken", sql="CREATE TABLE more (id INTEGER); INSERT INTO nowhere VALUES (1);"
)


async def _made(path: Path, **options: Any) -> None:
    ledger = await open_ledger(path, clock_now=lambda: START, **options)
    await ledger.events.append([an_event(1)], START)
    await ledger.close()


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def _put(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def _away(path: Path) -> None:
    path.unlink()


def _mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def _tables(path: Path) -> set[str]:
    connection = apsw.Connection(str(path))
    try:
        return {str(row[0]) for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    finally:
        connection.close()


async def test_a_new_ledger_appears_whole_and_only_for_its_user(path: Path, ledger: Any) -> None:
    assert _mode(path) == 0o600
    assert _content(path.with_name("leadwire.db.new")) is None


async def test_a_creation_that_was_cut_short_is_done_again(path: Path, open_it: Any) -> None:
    _put(path.with_name("leadwire.db.new"), b"half a ledger")
    assert await (await open_it()).events.append([an_event(1)], START) == [1]


async def test_the_settings_that_the_promises_rest_on_are_in_force(ledger: Any) -> None:
    def settings(session: Any) -> list[object]:
        names = ("journal_mode", "synchronous", "secure_delete", "wal_autocheckpoint")
        return [session.connection.pragma(name) for name in names]

    assert await ledger._committer.read(settings) == ["wal", 2, 1, 0]


async def test_a_ledger_of_a_newer_leadwire_is_refused(path: Path) -> None:
    await _made(path, around=Surroundings(migrations=[*SHIPPED, NEXT]))
    with pytest.raises(StoreRefused, match=r"newer leadwire \(schema 2, this one knows 1\).*backup"):
        await open_ledger(path, clock_now=lambda: START)


async def test_a_step_that_was_taken_in_another_form_is_refused(path: Path) -> None:
    await _made(path, around=Surroundings(migrations=[*SHIPPED, NEXT]))
    other = Migration(number=NEXT.number, name="note", sql="CREATE TABLE remarks (id INTEGER);")
    with pytest.raises(StoreRefused, match="in another form"):
        await open_ledger(path, clock_now=lambda: START, around=Surroundings(migrations=[*SHIPPED, other]))


async def test_an_older_ledger_moves_forward_after_a_copy_was_made(path: Path, open_it: Any) -> None:
    await _made(path)
    ledger = await open_it(around=Surroundings(migrations=[*SHIPPED, NEXT]))
    assert len(await ledger.events.unresolved(10)) == 1
    assert "notes" in _tables(path)
    copy = path.with_name("leadwire.db.before-0002")
    assert "notes" not in _tables(copy)
    assert "events" in _tables(copy)


async def test_a_failed_step_is_undone_and_the_ones_before_it_stay(path: Path, open_it: Any) -> None:
    await _made(path)
    with pytest.raises(StoreRefused, match=r"can't be moved forward.*nowhere"):
        await open_ledger(path, clock_now=lambda: START, around=Surroundings(migrations=[*SHIPPED, NEXT, BROKEN]))
    assert "notes" in _tables(path)
    assert "more" not in _tables(path)
    mended = Migration(number=BROKEN.number, name="broken", sql="CREATE TABLE more (id INTEGER);")
    ledger = await open_it(around=Surroundings(migrations=[*SHIPPED, NEXT, mended]))
    assert "more" in _tables(path)
    assert len(await ledger.events.unresolved(10)) == 1


async def test_an_empty_file_is_refused_and_not_filled(path: Path) -> None:
    _put(path, b"")
    with pytest.raises(StoreRefused, match=r"it is empty.*cp BACKUP"):
        await open_ledger(path, clock_now=lambda: START)
    assert _content(path) == b""


@pytest.mark.parametrize("content", [b"this is no database" * 500, b"SQLite format 3\0" + b"\xff" * 8_000])
async def test_a_file_that_is_no_database_is_refused_and_left_alone(path: Path, content: bytes) -> None:
    _put(path, content)
    with pytest.raises(StoreRefused, match=r"damaged.*cp BACKUP"):
        await open_ledger(path, clock_now=lambda: START)
    assert _content(path) == content


async def test_somebody_elses_database_is_refused(path: Path) -> None:
    connection = apsw.Connection(str(path))
    connection.execute("CREATE TABLE theirs (id INTEGER)")
    connection.close()
    with pytest.raises(StoreRefused, match="no leadwire ledger"):
        await open_ledger(path, clock_now=lambda: START)
    assert _tables(path) == {"theirs"}


async def test_a_damaged_page_is_found_at_the_start(path: Path) -> None:
    ledger = await open_ledger(path, clock_now=lambda: START)
    await ledger.events.append([an_event(1, body=b"zanzibar")], START)
    await ledger.close()
    sound = _content(path)
    assert sound is not None
    page = sound.index(b"zanzibar") // 4096 * 4096
    _put(path, sound[:page] + b"\xff\xff" + sound[page + 2 :])
    with pytest.raises(StoreRefused, match="damaged"):
        await open_ledger(path, clock_now=lambda: START)


async def test_a_refused_ledger_is_free_for_the_next_process(path: Path, open_it: Any) -> None:
    _put(path, b"")
    with pytest.raises(StoreRefused):
        await open_ledger(path, clock_now=lambda: START)
    _away(path)
    assert await (await open_it()).events.append([an_event(1)], START) == [1]


async def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreRefused, match=r"missing does not exist: make it, or change \[store\] url"):
        await open_ledger(tmp_path / "missing" / "leadwire.db", clock_now=lambda: START)


async def test_a_reading_ledger_reads_beside_the_owner_and_changes_nothing(
    path: Path, ledger: Any, open_it: Any
) -> None:
    await ledger.events.append([an_event(1)], START)
    reading = await open_it(read_only=True)
    assert len(await reading.events.page(None, None, 10)) == 1
    assert len(await reading.events.unresolved(10)) == 1
    with pytest.raises(StoreError, match="reading only"):
        await reading.events.append([an_event(2)], START)
    with pytest.raises(StoreError, match="reading only"):
        await reading.users.change_user(await _user(ledger))
    assert not reading.owner_is_alone
    await ledger.events.append([an_event(3)], START)
    assert len(await reading.events.page(None, None, 10)) == 2


async def _user(ledger: Any) -> Any:
    user = User(name="asha", role="rep", created_at=START)
    await ledger.users.add_user(user)
    return user


async def test_reading_a_ledger_that_is_not_there_makes_none(path: Path) -> None:
    with pytest.raises(StoreRefused, match="there is no ledger"):
        await open_ledger(path, clock_now=lambda: START, read_only=True)
    assert _content(path) is None


async def test_reading_an_older_ledger_asks_for_the_migration(path: Path) -> None:
    await _made(path)
    with pytest.raises(StoreRefused, match="leadwire db migrate"):
        await open_ledger(
            path, clock_now=lambda: START, read_only=True, around=Surroundings(migrations=[*SHIPPED, NEXT])
        )


def test_an_sqlite_library_that_loses_rows_is_refused() -> None:
    with pytest.raises(StoreRefused, match=r"SQLite 3\.51\.2 can lose committed rows \(fixed in 3\.51\.3\)"):
        check_library("3.51.2")
    check_library("3.51.3")
    check_library("3.100.0")
