"""The ledger in one SQLite file: nothing to install, one process, and every commit on the disk before it is acknowledged."""

from leadwire.store.sqlite.ledger import SqliteLedger, open_ledger
from leadwire.store.sqlite.lock import Announcement, read_announcement
from leadwire.store.sqlite.opening import Surroundings
from leadwire.store.sqlite.upkeep import CheckReport, backup, check, migrate

__all__ = [
    "Announcement",
    "CheckReport",
    "SqliteLedger",
    "Surroundings",
    "backup",
    "check",
    "migrate",
    "open_ledger",
    "read_announcement",
]
