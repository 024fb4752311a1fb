"""The ledger: all ports of one store, as the composition root hands them out."""

from typing import Protocol

import msgspec

from leadwire.model.times import Instant
from leadwire.ports.accounts import TokenBook, UserBook
from leadwire.ports.delivery_queue import DeliveryBook, DeliveryQueue
from leadwire.ports.desk import Desk
from leadwire.ports.event_log import EventLog
from leadwire.ports.fetch_queue import FetchQueue
from leadwire.ports.lead_book import LeadBook
from leadwire.ports.pause_book import PauseBook


class StoreHealth(msgspec.Struct, frozen=True, kw_only=True):
    """How the storage stands. `writable` is the result of a real durable write just now."""

    writable: bool
    reason: str | None = None
    disk_free_bytes: int | None = None
    wal_bytes: int | None = None
    commits: int = 0
    commit_seconds_total: float = 0.0


class Ledger(Protocol):
    """One store. `owner_is_alone` says that no other process can hold leases on it (a file is opened by one process only)."""

    @property
    def events(self) -> EventLog: ...
    @property
    def leads(self) -> LeadBook: ...
    @property
    def fetches(self) -> FetchQueue: ...
    @property
    def deliveries(self) -> DeliveryQueue: ...
    @property
    def delivery_book(self) -> DeliveryBook: ...
    @property
    def pauses(self) -> PauseBook: ...
    @property
    def users(self) -> UserBook: ...
    @property
    def tokens(self) -> TokenBook: ...
    @property
    def desk(self) -> Desk: ...
    @property
    def owner_is_alone(self) -> bool: ...

    async def health(self, now: Instant) -> StoreHealth:
        """How the storage stands; makes one durable write. Never raises."""
        ...

    async def close(self) -> None:
        """Finishes what is under way and lets go of the storage."""
        ...
