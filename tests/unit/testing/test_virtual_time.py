import asyncio

import pytest

from leadwire.model.times import DAY, HOUR, SECOND
from leadwire.testing.virtual_time import START, Deadlock, Livelock, VirtualClock, VirtualLoop, run_virtually


def test_a_day_of_sleep_takes_no_time_and_moves_the_clock_by_a_day() -> None:
    loop = VirtualLoop()
    clock = VirtualClock(loop)

    async def sleep() -> None:
        await clock.sleep(86_400)

    run_virtually(sleep(), loop)
    assert clock.now() == START + DAY


def test_sleepers_wake_in_the_order_of_their_times() -> None:
    loop = VirtualLoop()
    clock = VirtualClock(loop)
    woken: list[tuple[int, int]] = []

    async def sleeper(duration_s: int) -> None:
        await clock.sleep(duration_s)
        woken.append((duration_s, (clock.now() - START) // SECOND))

    async def all_of_them() -> None:
        await asyncio.gather(*(sleeper(duration_s) for duration_s in (3, 1, 2)))

    run_virtually(all_of_them(), loop)
    assert woken == [(1, 1), (2, 2), (3, 3)]


def test_a_time_out_strikes_in_virtual_time() -> None:
    loop = VirtualLoop()
    clock = VirtualClock(loop)

    async def wait_for_ever() -> None:
        async with asyncio.timeout(3600):
            await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        run_virtually(wait_for_ever(), loop)
    assert clock.now() == START + HOUR


def test_a_skewed_clock_jumps_and_timers_go_on() -> None:
    loop = VirtualLoop()
    clock = VirtualClock(loop)

    async def jump() -> list[int]:
        await clock.sleep(1)
        clock.skew = -HOUR
        before = clock.now()
        await clock.sleep(1)
        return [before - START, clock.now() - before]

    assert run_virtually(jump(), loop) == [SECOND - HOUR, SECOND]


def test_waiting_for_what_nobody_will_do_is_a_deadlock() -> None:
    async def wait() -> None:
        await asyncio.Event().wait()

    with pytest.raises(Deadlock):
        run_virtually(wait(), VirtualLoop())


def test_calling_oneself_again_without_waiting_is_a_livelock() -> None:
    async def spin() -> None:
        while True:
            await asyncio.sleep(0)

    with pytest.raises(Livelock):
        run_virtually(spin(), VirtualLoop(turns_max=100))


def test_many_turns_are_fine_where_time_passes_between_them() -> None:
    loop = VirtualLoop(turns_max=100)

    async def step() -> int:
        for _ in range(1_000):
            await asyncio.sleep(0.001)
        return round(loop.time() * 1_000)

    assert run_virtually(step(), loop) == 1_000
