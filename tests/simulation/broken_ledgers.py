"""Ledgers that are broken on purpose: facts torn over two commits, times of the wrong clock, things forgotten."""

from collections.abc import Sequence

import msgspec

from leadwire.model.changes import Absorption
from leadwire.model.delivery import Settlement
from leadwire.model.pull import Pause
from leadwire.model.times import MINUTE, Instant
from leadwire.store.memory import MemoryLedger
from leadwire.store.memory.delivery_queue import MemoryDeliveryQueue
from leadwire.store.memory.lead_book import MemoryLeadBook
from leadwire.store.memory.pause_book import MemoryPauseBook
from simulation.variant import Variant

TIME_ZONE: Instant = 330 * MINUTE


class EventBeforeRecords(Variant):
    """Ticks an event off, then stores what was in it, in a commit of its own."""

    expected = frozenset({"lost"})

    def ledger(self, ledger: MemoryLedger) -> MemoryLedger:
        class TwoCommits(MemoryLeadBook):
            async def absorb(self, absorption: Absorption, now: Instant) -> None:
                if absorption.events or absorption.fetched:
                    await super().absorb(Absorption(events=absorption.events, fetched=absorption.fetched), now)
                await super().absorb(msgspec.structs.replace(absorption, events=(), fetched=()), now)

        ledger.leads = TwoCommits(ledger.state, ledger._commits)
        return ledger


class ForgetsPauses(Variant):
    """A restart forgets who asked for silence."""

    expected = frozenset({"impatient"})

    def ledger(self, ledger: MemoryLedger) -> MemoryLedger:
        class Blank(MemoryPauseBook):
            async def pauses(self) -> Sequence[Pause]:
                return []

        ledger.pauses = Blank(ledger.state, ledger._commits)
        return ledger


class NoRescue(Variant):
    """Forgets what a dead process had taken."""

    expected = frozenset({"unfinished", "undelivered"})

    def ledger(self, ledger: MemoryLedger) -> MemoryLedger:
        class Careless(MemoryDeliveryQueue):
            async def rescue(self, now: Instant, *, owner_is_alone: bool) -> int:
                return 0

        ledger.deliveries = Careless(ledger.state, ledger._commits)
        return ledger


class HidesAttempts(Variant):
    """Remembers the last try only."""

    expected = frozenset({"attempts"})

    def ledger(self, ledger: MemoryLedger) -> MemoryLedger:
        class Short(MemoryDeliveryQueue):
            async def settle(self, settlements: Sequence[Settlement], now: Instant) -> Sequence[str]:
                for settlement in settlements:
                    self._table.attempts.pop(settlement.delivery_id, None)
                return await super().settle(settlements, now)

        ledger.deliveries = Short(ledger.state, ledger._commits)
        return ledger


class MergesTheLeadOnly(Variant):
    """Notes that a lead was merged and leaves its records where they were."""

    expected = frozenset({"merged"})

    def ledger(self, ledger: MemoryLedger) -> MemoryLedger:
        class Careless(MemoryLeadBook):
            async def absorb(self, absorption: Absorption, now: Instant) -> None:
                new = [change for change in absorption.records if change.previous is None]
                await super().absorb(msgspec.structs.replace(absorption, records=new), now)

        ledger.leads = Careless(ledger.state, ledger._commits)
        return ledger


class OverwritesVersions(Variant):
    """Keeps the newest version of a lead only, as soon as the others are delivered."""

    expected = frozenset({"versions"})

    def ledger(self, ledger: MemoryLedger) -> MemoryLedger:
        class Forgetful(MemoryLeadBook):
            async def absorb(self, absorption: Absorption, now: Instant) -> None:
                await super().absorb(absorption, now)
                ended = ("delivered", "superseded")
                deliveries = ledger.state.deliveries.rows.values()
                needed = {(row.lead_id, row.version) for row in deliveries if row.state not in ended}
                leads = ledger.state.leads
                for key in leads.documents.keys() - needed:
                    if key[1] < leads.rows[key[0]].version:
                        del leads.documents[key]

        ledger.leads = Forgetful(ledger.state, ledger._commits)
        return ledger


class WritesLocalTime(Variant):
    """Notes in local time when something was delivered."""

    expected = frozenset({"times"})

    def ledger(self, ledger: MemoryLedger) -> MemoryLedger:
        class Local(MemoryDeliveryQueue):
            async def settle(self, settlements: Sequence[Settlement], now: Instant) -> Sequence[str]:
                return await super().settle(settlements, now - TIME_ZONE)

        ledger.deliveries = Local(ledger.state, ledger._commits)
        return ledger
