"""Prune: lets go of raw events and ended deliveries when their retention ends. Records stay: they are unique for ever."""

import msgspec

from leadwire.engine.step import Step
from leadwire.model.times import DAY, Instant
from leadwire.ports.accounts import UserBook
from leadwire.ports.delivery_queue import DeliveryBook
from leadwire.ports.event_log import EventLog

ROWS_MAX = 1_000
LOOK_EVERY_S = 600.0


class Retention(msgspec.Struct, frozen=True, kw_only=True):
    """How long things are kept, in days."""

    events_days: float = 90.0
    ended_deliveries_days: float = 30.0
    session_idle_days: float = 0.5
    session_days: float = 14.0


class Prune:
    """Deletes a bounded number of rows per step."""

    name = "prune"
    topic = "prune"

    def __init__(self, events: EventLog, deliveries: DeliveryBook, users: UserBook, retention: Retention) -> None:
        self._events = events
        self._deliveries = deliveries
        self._users = users
        self._retention = retention

    async def run_once(self, now: Instant) -> Step:
        """Deletes what is past its retention; calls for more while there may be more."""
        keep = self._retention
        events = await self._events.prune(now - round(keep.events_days * DAY), ROWS_MAX)
        deliveries = await self._deliveries.prune(now - round(keep.ended_deliveries_days * DAY), ROWS_MAX)
        await self._users.prune_sessions(
            now - round(keep.session_idle_days * DAY), now - round(keep.session_days * DAY)
        )
        is_full = ROWS_MAX in (events, deliveries)
        return Step(done=events + deliveries if is_full else 0, rest_s=LOOK_EVERY_S)

    async def drain(self) -> None:
        """Nothing is under way between steps."""
