"""The clock that a test moves."""

import asyncio

from leadwire.model.times import SECOND
from leadwire.testing.manual_clock import START, ManualClock


async def _settle() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


async def test_time_stands_still_until_it_is_advanced() -> None:
    clock = ManualClock()
    assert clock.now() == START
    assert clock.advance(1.5) == START + SECOND * 3 // 2
    assert clock.now() == START + SECOND * 3 // 2


async def test_a_sleeper_wakes_when_its_time_has_come_and_not_before() -> None:
    clock = ManualClock()
    sleeper = asyncio.create_task(clock.sleep(10))
    await _settle()
    clock.advance(9.999999)
    await _settle()
    assert not sleeper.done()
    clock.advance(0.000001)
    await _settle()
    assert sleeper.done()


async def test_sleepers_wake_in_the_order_of_their_times() -> None:
    clock = ManualClock()
    woken: list[str] = []

    async def sleep(name: str, duration_s: float) -> None:
        await clock.sleep(duration_s)
        woken.append(name)

    sleepers = [asyncio.create_task(sleep(name, duration_s)) for name, duration_s in (("c", 3), ("a", 1), ("b", 2))]
    await _settle()
    clock.advance(60)
    await asyncio.gather(*sleepers)
    assert woken == ["a", "b", "c"]


async def test_no_sleep_is_needed_for_no_time() -> None:
    clock = ManualClock()
    await clock.sleep(0)
    await clock.sleep(-1)
    assert clock.next_wake_at() is None


async def test_it_tells_when_the_next_sleeper_wakes() -> None:
    clock = ManualClock()
    late = asyncio.create_task(clock.sleep(9))
    soon = asyncio.create_task(clock.sleep(4))
    await _settle()
    assert clock.next_wake_at() == START + 4 * SECOND
    soon.cancel()
    await _settle()
    assert clock.next_wake_at() == START + 9 * SECOND
    clock.advance_to(START + 9 * SECOND)
    await late
    assert clock.next_wake_at() is None


async def test_time_never_goes_back() -> None:
    clock = ManualClock()
    clock.advance(5)
    assert clock.advance_to(START) == START + 5 * SECOND
