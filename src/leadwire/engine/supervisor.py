"""The supervisor owns the loops: it calls each service, waits where there is nothing to do, and stops them in order."""

import asyncio
from collections.abc import Awaitable, Sequence
from typing import TypeVar

import msgspec

from leadwire.engine.observer import Observer
from leadwire.engine.step import Service
from leadwire.model.errors import LeadwireError, StorageFailed, StorageFull, StoreBusy
from leadwire.ports.bell import Bell
from leadwire.ports.clock import Clock

_Result = TypeVar("_Result")

CRASH_REST_S = 1.0


class Crashed(msgspec.Struct, frozen=True):
    """A step ended in an error that its author did not foresee."""

    error: Exception


async def guard(step: Awaitable[_Result]) -> _Result | Crashed:
    """The step's result, or how it crashed. Errors of leadwire's own tree pass through: they are answers, not crashes.

    The one place that catches everything: one bad record, connector or answer must never stop the others.
    """
    try:
        return await step
    except LeadwireError:
        raise
    except Exception as error:  # noqa: BLE001
        return Crashed(error)


class Supervisor:
    """Runs services until it is told to stop or the storage fails."""

    def __init__(self, services: Sequence[Service], bell: Bell, clock: Clock, observer: Observer) -> None:
        self._services = services
        self._bell = bell
        self._clock = clock
        self._observer = observer
        self._stopping = asyncio.Event()
        self._ending: set[str] = set()
        self.failure: StorageFailed | None = None

    def stop(self) -> None:
        """Asks every service to end; those that bring work in end first."""
        self._stopping.set()

    async def run(self) -> None:
        """Runs all services; returns when they have ended and drained, in their order. `failure` says whether the storage failed."""
        loops = {service.name: asyncio.create_task(self._loop(service)) for service in self._services}
        try:
            await self._stopping.wait()
            for service in self._services:
                if self.failure is not None:
                    return
                self._ending.add(service.name)
                self._bell.ring(service.topic)
                await loops[service.name]
                await self._drain(service)
        finally:
            for loop in loops.values():
                loop.cancel()
            await asyncio.gather(*loops.values(), return_exceptions=True)

    async def _drain(self, service: Service) -> None:
        """Lets a service finish. What it can't write down any more is owed, and comes again at the next start."""
        try:
            result = await guard(service.drain())
        except StorageFailed as failure:
            self.failure = failure
            self._observer.alerted("store", str(failure))
        except LeadwireError as error:
            self._observer.crashed(service.name, error)
        else:
            if isinstance(result, Crashed):
                self._observer.crashed(service.name, result.error)

    async def _loop(self, service: Service) -> None:
        while service.name not in self._ending and self.failure is None:
            rest_s = await self._step(service)
            if rest_s is not None and service.name not in self._ending:
                await self._bell.wait(service.topic, rest_s)

    async def _step(self, service: Service) -> float | None:
        """How long the service may rest; None = call it again at once."""
        try:
            result = await guard(service.run_once(self._clock.now()))
        except StorageFailed as failure:
            self.failure = failure
            self._observer.alerted("store", str(failure))
            self.stop()
            return None
        except (StoreBusy, StorageFull):
            return CRASH_REST_S
        except LeadwireError as error:
            self._observer.crashed(service.name, error)
            return CRASH_REST_S
        if isinstance(result, Crashed):
            self._observer.crashed(service.name, result.error)
            return CRASH_REST_S
        return None if result.done and not result.is_through else result.rest_s
