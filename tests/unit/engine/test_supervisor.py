"""The supervisor: loops that rest, wake, survive what nobody foresaw, and end in order."""

import asyncio

from engine_parts.parts import Notes
from leadwire.engine.bell import LocalBell
from leadwire.engine.step import Step
from leadwire.engine.supervisor import Crashed, Supervisor, guard
from leadwire.model.errors import StorageFailed, StoreBusy
from leadwire.model.times import Instant
from leadwire.testing.manual_clock import ManualClock


class Counting:
    """A service that does what its script says: an int (work done), an exception, or nothing more."""

    def __init__(self, name: str, script: list[int | Exception], log: list[str]) -> None:
        self.name = name
        self.topic = name
        self._script = script
        self._log = log
        self.steps = 0
        self.is_idle = asyncio.Event()

    async def run_once(self, now: Instant) -> Step:
        self.steps += 1
        if not self._script:
            self.is_idle.set()
            return Step(rest_s=3600)
        next_one = self._script.pop(0)
        if isinstance(next_one, Exception):
            raise next_one
        return Step(done=next_one)

    async def drain(self) -> None:
        self._log.append(self.name)


def supervisor(services: list[Counting]) -> tuple[Supervisor, LocalBell, Notes]:
    bell, notes = LocalBell(), Notes()
    return Supervisor(services, bell, ManualClock(), notes), bell, notes


async def test_services_end_and_drain_in_their_order() -> None:
    log: list[str] = []
    services = [Counting(name, [1, 1], log) for name in ("intake", "resolve", "lane")]
    watched, _, _ = supervisor(services)
    running = asyncio.create_task(watched.run())
    for service in services:
        await service.is_idle.wait()
    watched.stop()
    await running
    assert log == ["intake", "resolve", "lane"]
    assert [service.steps for service in services] == [3, 3, 3]


async def test_a_ring_wakes_a_resting_service() -> None:
    service = Counting("intake", [], [])
    watched, bell, _ = supervisor([service])
    running = asyncio.create_task(watched.run())
    await service.is_idle.wait()
    service.is_idle.clear()
    bell.ring("intake")
    await asyncio.wait_for(service.is_idle.wait(), 5)
    watched.stop()
    await running
    assert service.steps == 2


async def test_an_unforeseen_error_is_told_and_the_service_goes_on() -> None:
    service = Counting("lane", [ZeroDivisionError(), 1], [])
    watched, bell, notes = supervisor([service])
    running = asyncio.create_task(watched.run())
    while not notes.crashes:
        await asyncio.sleep(0)
    bell.ring("lane")
    await asyncio.wait_for(service.is_idle.wait(), 5)
    watched.stop()
    await running
    assert notes.crashes == ["lane: ZeroDivisionError"]


async def test_a_busy_store_repeats_the_step() -> None:
    service = Counting("resolve", [StoreBusy(), 1], [])
    watched, bell, notes = supervisor([service])
    running = asyncio.create_task(watched.run())
    while service.steps < 1:
        await asyncio.sleep(0)
    bell.ring("resolve")
    await asyncio.wait_for(service.is_idle.wait(), 5)
    watched.stop()
    await running
    assert notes.crashes == []


async def test_a_failed_storage_stops_everything_without_draining() -> None:
    log: list[str] = []
    services = [Counting("intake", [StorageFailed("fsync failed")], log), Counting("lane", [], log)]
    watched, _, notes = supervisor(services)
    await asyncio.wait_for(watched.run(), 5)
    assert str(watched.failure) == "fsync failed"
    assert log == []
    assert notes.alerts == ["store"]


async def test_guard_answers_a_crash_and_lets_our_own_errors_and_cancellation_through() -> None:
    async def fails(error: BaseException) -> None:
        raise error

    crashed = await guard(fails(KeyError("x")))
    assert isinstance(crashed, Crashed)
    for error in (StoreBusy(), asyncio.CancelledError()):
        try:
            await guard(fails(error))
        except type(error):
            continue
        raise AssertionError(f"{error!r} was swallowed")
