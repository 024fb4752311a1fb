"""SIGTERM: a clean end in time, with nothing lost, whatever the other side does."""

import asyncio
import socket
from functools import partial

import pytest

from e2e.audit import audit
from e2e.scene import Scene
from e2e.until import until, until_seen
from leadwire.model.times import MILLISECOND, SECOND

pytestmark = pytest.mark.slow


async def test_an_idle_program_stops_within_two_seconds(scene: Scene) -> None:
    await scene.open()
    assert await scene.program.stop() < 2.0
    assert scene.program.announcement() is None
    assert scene.program.log("process.stopped")


async def test_a_stop_under_load_ends_in_time_and_loses_nothing(scene: Scene) -> None:
    await scene.open()
    for _ in range(2):
        scene.town.crm_fails(latency_us=20 * MILLISECOND, lost_reply_share=0.1)
        stopped = asyncio.Event()
        load = asyncio.create_task(scene.sender.load(stopped, workers=8))
        await until_seen(partial(has_taken, scene, len(scene.sender.book.acked) + 50), 20.0, "a load")
        took_s = await scene.program.stop()
        stopped.set()
        await load
        assert took_s < 10.0
        scene.town.crm_fails()
        await scene.go_on()
    found = await audit(scene.sender.book, scene.town, scene.program)
    assert found.is_sound, found
    assert {status for status in scene.sender.book.statuses if status.isdecimal()} <= {"200", "503"}


async def test_a_destination_that_hangs_does_not_hold_up_the_stop(scene: Scene) -> None:
    await scene.open()
    scene.town.crm_fails(hang_share=1.0)
    await scene.take(*(scene.sender.site() for _ in range(20)))
    await until_seen(lambda: scene.town.crm.snapshot()["answers"].get("hang"), 10.0, "a try that hangs")
    assert await scene.program.stop() < 10.0
    scene.town.crm_fails()
    await scene.go_on()
    found = await audit(scene.sender.book, scene.town, scene.program)
    assert found.is_sound, found
    assert found.arrived == 20


async def test_a_source_that_hangs_does_not_hold_up_the_stop(scene: Scene) -> None:
    town = scene.town
    await scene.open()
    town.meta.faults = type(town.meta.faults)(hang_share=1.0)
    page = next(iter(town.meta.pages.values()))
    town.meta.submit(page.id, page.forms[0].id, town.now(), {"phone_number": ["+919876543210"]})
    await scene.take(*scene.sender.due())

    async def is_fetching() -> bool:
        return bool((await scene.program.get("/api/v1/fetches?state=leased"))["items"])

    await until(is_fetching, 10.0, "a fetch that hangs")
    assert await scene.program.stop() < 10.0
    town.meta.faults = type(town.meta.faults)()
    await scene.go_on()
    found = await audit(scene.sender.book, town, scene.program)
    assert found.is_sound, found
    assert found.arrived == 1


async def test_a_second_signal_ends_it_at_once_and_loses_nothing(scene: Scene) -> None:
    await scene.open()
    scene.town.crm_fails(latency_us=8 * SECOND)
    await scene.take(*(scene.sender.site() for _ in range(5)))
    await until_seen(lambda: scene.town.crm.effects, 10.0, "a delivery under way")
    scene.program.ask_to_stop()
    await until_seen(lambda: is_deaf(scene), 5.0, "the stop to begin")
    scene.program.ask_to_stop()
    assert await scene.program.ended(1.0) == 1
    scene.town.crm_fails()
    await scene.go_on()
    found = await audit(scene.sender.book, scene.town, scene.program)
    assert found.is_sound, found
    assert found.arrived == 5


def is_deaf(scene: Scene) -> bool:
    """Whether the program takes no more connections, while it runs."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        port = int(scene.program.url.rpartition(":")[2])
        return probe.connect_ex(("127.0.0.1", port)) != 0


def has_taken(scene: Scene, count: int) -> bool:
    return len(scene.sender.book.acked) >= count
