"""A full disk: nothing is acknowledged that is not stored, and room heals it without a restart."""

import asyncio
import contextlib
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from e2e.audit import audit
from e2e.scene import Scene, scene_in
from e2e.until import until, until_seen
from leadwire.store.sqlite.lock import Announcement

pytestmark = pytest.mark.slow
DISK_BYTES = 12 * 1024 * 1024


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of a few MB; needs the right to mount one."""
    mount, unmount = shutil.which("mount"), shutil.which("umount")
    if os.geteuid() != 0 or mount is None or unmount is None:
        pytest.skip("only root can mount a small disk")
    place = tmp_path / "disk"
    place.mkdir()
    made = subprocess.run(
        [mount, "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", place], capture_output=True, check=False
    )
    if made.returncode != 0:
        pytest.skip(f"this machine lets nobody mount a small disk: {made.stderr.decode().strip()}")
    try:
        yield place
    finally:
        subprocess.run([unmount, "-l", place], check=True)


@pytest.fixture
async def scene(small_disk: Path) -> AsyncIterator[Scene]:
    async with scene_in(small_disk) as scene:
        yield scene


def fill(path: Path, leave_bytes: int) -> None:
    """Takes all room but so much."""
    room = os.statvfs(path.parent)
    free = room.f_bavail * room.f_frsize
    with path.open("ab", buffering=0) as ballast, contextlib.suppress(OSError):  # others may have been faster
        ballast.write(b"\0" * max(free - leave_bytes, 0))


@pytest.mark.parametrize("leave_bytes", [200_000, 0], ids=["below the low-water mark", "to the last byte"])
async def test_a_full_disk_is_a_503_and_heals_without_a_restart(leave_bytes: int, scene: Scene) -> None:
    await scene.open()
    pid = scene.program.pid
    ballast = scene.program.folder / "ballast"
    await scene.take(*(scene.sender.site() for _ in range(10)))
    fill(ballast, leave_bytes)
    stopped = asyncio.Event()
    load = asyncio.create_task(scene.sender.load(stopped, workers=4))
    await until_seen(
        lambda: scene.sender.book.statuses["503"] >= 5, 20.0, f"a refusal among {scene.sender.book.statuses}"
    )
    stopped.set()
    await load
    sent = scene.sender.site()
    async with scene.program.session.post(
        f"{scene.program.url}/webhooks/site", data=sent.push.body, headers=sent.push.headers
    ) as refused:
        assert refused.status == 503
        assert int(refused.headers["Retry-After"]) > 0
        assert refused.content_type == "application/problem+json"

    async def is_unready() -> bool:
        async with scene.program.session.get(f"{scene.program.url}/readyz") as probe:
            return probe.status == 503

    await until(is_unready, 5.0, "a probe that says so")
    ballast.unlink()

    async def takes_again() -> bool:
        return await scene.sender.send(sent) == "ok"

    await until(takes_again, 10.0, "a lead taken once there is room again")
    await until(scene.program.is_ready, 10.0, "readiness once there is room again")
    assert scene.program.pid == pid
    found = await audit(scene.sender.book, scene.town, scene.program)
    assert found.is_sound, found
    assert found.acked >= 11
    assert {status for status in scene.sender.book.statuses if status.isdecimal()} == {"200", "503"}


async def test_a_stop_on_a_full_disk_is_clean_and_what_is_owed_comes_after_it(scene: Scene) -> None:
    await scene.open()
    scene.town.crm_fails(latency_us=1_000_000)
    await scene.take(*(scene.sender.site() for _ in range(5)))
    await until_seen(lambda: scene.town.crm.effects, 10.0, "a delivery under way")
    ballast = scene.program.folder / "ballast"
    fill(ballast, 0)
    await scene.program.stop(within_s=10.0)
    ballast.unlink()
    scene.town.crm_fails()
    await scene.go_on()
    found = await audit(scene.sender.book, scene.town, scene.program)
    assert found.is_sound, found
    assert found.arrived == 5


async def test_a_start_on_a_full_disk_either_works_or_says_why_not(scene: Scene) -> None:
    await scene.open()
    await scene.take(scene.sender.site())
    await scene.program.kill()
    ballast = scene.program.folder / "ballast"
    fill(ballast, 0)
    await scene.program.begin()

    async def is_up_or_gone() -> bool:
        return scene.program.code is not None or (scene.program.announcement() or Announcement(pid=0)).url is not None

    await until(is_up_or_gone, 10.0, "a start or an end")
    if scene.program.is_running:
        await scene.program.stop()
    else:
        assert "the disk is full" in scene.program.err
    assert "Traceback" not in scene.program.err
    assert "nobody foresaw" not in scene.program.err
    ballast.unlink()
    await scene.go_on()
    found = await audit(scene.sender.book, scene.town, scene.program)
    assert found.is_sound, found
