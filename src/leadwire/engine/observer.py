"""What the services tell whoever watches: one call per fact. Logs and metrics are drawn from these; no lead data passes."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from leadwire.model.delivery import ClaimedDelivery, Settlement
from leadwire.model.times import Instant
from leadwire.rules.resolution import Outcome


class EventParsed(msgspec.Struct, frozen=True, kw_only=True):
    """An event was parsed. `reason` stands where it was quarantined."""

    source: str
    sequence: int
    records: int = 0
    pointers: int = 0
    ignored: int = 0
    reason: str | None = None


class Observer(Protocol):
    """Watches the engine."""

    def parsed(self, event: EventParsed) -> None:
        """An event was taken apart."""
        ...

    def resolved(self, outcome: Outcome, received_at: list[Instant], now: Instant) -> None:
        """Records became leads; `received_at` are the times of the records that said something new."""
        ...

    def fetched(self, source: str, outcome: str, count: int, duration_us: int) -> None:
        """A batch of ids was read; `outcome` is "record" or the error's name."""
        ...

    def attempted(self, claimed: ClaimedDelivery, settlement: Settlement) -> None:
        """A try at a delivery ended."""
        ...

    def lane_changed(self, destination: str, state: str, reason: str) -> None:
        """A lane opened, closed, paused or resumed."""
        ...

    def alerted(self, subject: str, reason: str) -> None:
        """Something needs a human."""
        ...

    def rescued(self, what: str, count: int) -> None:
        """Leases that ran out were taken back."""
        ...

    def crashed(self, service: str, error: BaseException) -> None:
        """A step failed in a way nobody foresaw."""
        ...


class Everyone:
    """Several observers as one."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._observers = observers

    def parsed(self, event: EventParsed) -> None:
        """An event was taken apart."""
        for observer in self._observers:
            observer.parsed(event)

    def resolved(self, outcome: Outcome, received_at: list[Instant], now: Instant) -> None:
        """Records became leads."""
        for observer in self._observers:
            observer.resolved(outcome, received_at, now)

    def fetched(self, source: str, outcome: str, count: int, duration_us: int) -> None:
        """A batch of ids was read."""
        for observer in self._observers:
            observer.fetched(source, outcome, count, duration_us)

    def attempted(self, claimed: ClaimedDelivery, settlement: Settlement) -> None:
        """A try at a delivery ended."""
        for observer in self._observers:
            observer.attempted(claimed, settlement)

    def lane_changed(self, destination: str, state: str, reason: str) -> None:
        """A lane opened, closed, paused or resumed."""
        for observer in self._observers:
            observer.lane_changed(destination, state, reason)

    def alerted(self, subject: str, reason: str) -> None:
        """Something needs a human."""
        for observer in self._observers:
            observer.alerted(subject, reason)

    def rescued(self, what: str, count: int) -> None:
        """Leases that ran out were taken back."""
        for observer in self._observers:
            observer.rescued(what, count)

    def crashed(self, service: str, error: BaseException) -> None:
        """A step failed in a way nobody foresaw."""
        for observer in self._observers:
            observer.crashed(service, error)
