"""The memory ledger: all ports over one state."""

from leadwire.model.times import Instant
from leadwire.ports.ledger import StoreHealth
from leadwire.store.memory.commits import Commits, Hook
from leadwire.store.memory.delivery_book import MemoryDeliveryBook
from leadwire.store.memory.delivery_queue import MemoryDeliveryQueue
from leadwire.store.memory.desk import MemoryDesk
from leadwire.store.memory.event_log import MemoryEventLog
from leadwire.store.memory.fetch_queue import MemoryFetchQueue
from leadwire.store.memory.lead_book import MemoryLeadBook
from leadwire.store.memory.pause_book import MemoryPauseBook
from leadwire.store.memory.state import MemoryState
from leadwire.store.memory.token_book import MemoryTokenBook
from leadwire.store.memory.user_book import MemoryUserBook


class MemoryLedger:
    """A `Ledger` in memory. Deterministic; no verb gives up the thread, so that each is atomic.

    `before_commit` and `after_commit` are called around every commit with the verb ("deliveries.claim"); one that raises
    ends this ledger as a crash ends a process: nothing more is stored through it, and the state is as it then was. Verbs
    that find nothing to change commit nothing. A new ledger on the same state is the restarted process.
    """

    def __init__(
        self,
        state: MemoryState | None = None,
        *,
        after_commit: Hook | None = None,
        before_commit: Hook | None = None,
    ) -> None:
        self.state = MemoryState() if state is None else state
        self._commits = Commits(before_commit, after_commit)
        self.events = MemoryEventLog(self.state, self._commits)
        self.leads = MemoryLeadBook(self.state, self._commits)
        self.fetches = MemoryFetchQueue(self.state, self._commits)
        self.deliveries = MemoryDeliveryQueue(self.state, self._commits)
        self.delivery_book = MemoryDeliveryBook(self.state, self._commits)
        self.pauses = MemoryPauseBook(self.state, self._commits)
        self.users = MemoryUserBook(self.state, self._commits)
        self.tokens = MemoryTokenBook(self.state, self._commits)
        self.desk = MemoryDesk(self.state, self._commits)

    @property
    def owner_is_alone(self) -> bool:
        """True: nobody else can see this memory."""
        return True

    async def health(self, now: Instant) -> StoreHealth:  # noqa: ARG002 - the port gives it
        """Writable until the ledger was closed or crashed."""
        reason = self._commits.ended
        return StoreHealth(writable=reason is None, reason=reason, commits=self._commits.count)

    async def close(self) -> None:
        """Takes no further commit; the state stays."""
        self._commits.end("the ledger is closed")
