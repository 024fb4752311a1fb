"""Rescue: takes back leases whose time ran out; at the start of a process that is alone, all of them at once."""

from leadwire.engine.observer import Observer
from leadwire.engine.step import Step
from leadwire.model.times import Instant
from leadwire.ports.bell import Bell
from leadwire.ports.delivery_queue import DeliveryQueue
from leadwire.ports.fetch_queue import FetchQueue

LOOK_EVERY_S = 5.0


class Rescue:
    """Looks for dead leases every few seconds."""

    name = "rescue"
    topic = "rescue"

    def __init__(self, deliveries: DeliveryQueue, fetches: FetchQueue, bell: Bell, observer: Observer) -> None:
        self._deliveries = deliveries
        self._fetches = fetches
        self._bell = bell
        self._observer = observer

    async def at_start(self, now: Instant, *, owner_is_alone: bool) -> None:
        """Takes back what a dead process of the same ledger left leased."""
        await self._take_back(now, owner_is_alone=owner_is_alone)

    async def run_once(self, now: Instant) -> Step:
        """Takes back what ran out."""
        await self._take_back(now, owner_is_alone=False)
        return Step(rest_s=LOOK_EVERY_S)

    async def drain(self) -> None:
        """Nothing is under way between steps."""

    async def _take_back(self, now: Instant, *, owner_is_alone: bool) -> None:
        for what, count in (
            ("deliveries", await self._deliveries.rescue(now, owner_is_alone=owner_is_alone)),
            ("fetches", await self._fetches.rescue(now, owner_is_alone=owner_is_alone)),
        ):
            if count:
                self._observer.rescued(what, count)
