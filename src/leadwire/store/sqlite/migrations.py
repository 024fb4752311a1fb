"""The schema moves forward in numbered steps, each in its own transaction and recorded with its checksum."""

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

import apsw
import msgspec

from leadwire.model.errors import StoreRefused
from leadwire.model.times import Instant

APPLICATION_ID = 0x6C656164  # "lead": says whose file this is
_NAME = re.compile(r"(\d{4})_(\w+)\.sql")
_TABLE = """
CREATE TABLE IF NOT EXISTS schema_migrations (
  number INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  checksum TEXT NOT NULL,
  applied_at INTEGER NOT NULL
)
"""


class Migration(msgspec.Struct, frozen=True, kw_only=True):
    """One step forward."""

    number: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def load_migrations() -> list[Migration]:
    """The steps that are shipped with this package, in order."""
    found: list[Migration] = []
    for file in (files("leadwire.store.sqlite") / "migrations").iterdir():
        if match := _NAME.fullmatch(file.name):
            sql = file.read_text(encoding="utf-8")
            found.append(Migration(number=int(match[1]), name=match[2], sql=sql))
    return sorted(found, key=lambda migration: migration.number)


def outstanding(
    connection: apsw.Connection, migrations: Sequence[Migration], path: Path, *, is_new: bool
) -> list[Migration]:
    """The steps that this file has not taken yet.

    Raises StoreRefused where the file is no ledger, was made by a newer leadwire, or took a step that differs from ours.
    """
    if is_new:
        return list(migrations)
    taken = _taken(connection)
    if taken is None:
        raise StoreRefused(f"{path} is an SQLite file, but no leadwire ledger: name another file in [store] url")
    known = {migration.number: migration for migration in migrations}
    newest = max(known, default=0)
    if taken and max(taken) > newest:
        raise StoreRefused(
            f"{path} was made by a newer leadwire (schema {max(taken)}, this one knows {newest}): "
            f"install that version again, or go back to the backup that was made before the upgrade"
        )
    for number, checksum in taken.items():
        if known[number].checksum != checksum:
            raise StoreRefused(
                f"{path} took step {number} of the schema in another form than this leadwire has it: "
                f"install the version that made it, or restore a backup"
            )
    return [migration for migration in migrations if migration.number not in taken]


def apply(
    connection: apsw.Connection,
    migrations: Sequence[Migration],
    now: Instant,
    tell: Callable[[Migration], None] = lambda _: None,
) -> None:
    """Takes the steps, each wholly or not at all; a crash between two of them is resumed by the next start."""
    for migration in migrations:
        with _transaction(connection):
            connection.execute(_TABLE)
            connection.execute(migration.sql).fetchall()
            connection.execute(
                "INSERT INTO schema_migrations (number, name, checksum, applied_at) VALUES (?, ?, ?, ?)",
                (migration.number, migration.name, migration.checksum, now),
            )
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        tell(migration)


@contextmanager
def _transaction(connection: apsw.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _taken(connection: apsw.Connection) -> dict[int, str] | None:
    """The steps that the file took, with their checksums; None for a file of somebody else."""
    if connection.pragma("application_id") != APPLICATION_ID:
        return None
    rows = connection.execute("SELECT number, checksum FROM schema_migrations ORDER BY number").fetchall()
    return dict(msgspec.convert(rows, list[tuple[int, str]]))
