"""The process dies at every named point of a lead's life; the next start brings all of it on, once."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from e2e.audit import Audit, audit
from e2e.program import RUN
from e2e.scene import Scene, scene_in
from e2e.town import Town
from e2e.until import until, until_seen
from leadwire.model.times import MILLISECOND, Instant
from leadwire.simulators.crm.faults import Scripted
from leadwire.simulators.exchange import WorldAnswer, WorldRequest
from leadwire.simulators.meta.faults import Faults as MetaFaults

DOOMED = [sys.executable, str(Path(__file__).with_name("doomed.py")), "leadwire.toml"]
DIES_WITHIN_S = 30.0

# Each point with the call at which it kills. One load reaches all of them: leads that can't be read at first, and a CRM that
# answers 500 at first.
POINTS = {
    "coming in": [
        ("events.append:before", 3),
        ("events.append:after", 1),
        ("events.append:after", 5),
        ("leads.known:after", 2),
    ],
    "resolving": [
        ("leads.absorb:before", 1),
        ("leads.absorb:after", 1),
        ("leads.absorb:before", 5),
        ("leads.absorb:after", 5),
    ],
    "fetching": [
        ("fetches.claim:before", 4),
        ("fetches.claim:after", 4),
        ("fetches.settle:before", 1),
        ("fetches.settle:after", 2),
    ],
    "going out": [
        ("deliveries.claim:before", 4),
        ("deliveries.claim:after", 4),
        ("deliveries.settle:before", 1),
        ("deliveries.settle:after", 1),
        ("deliveries.settle:before", 4),
        ("deliveries.settle:after", 4),
    ],
    "calling others": [
        ("http.send:before", 1),
        ("http.send:after", 1),
        ("http.send:before", 6),
        ("http.send:after", 6),
    ],
}
POINTS_OF_THE_START = [
    "deliveries.rescue:before",
    "deliveries.rescue:after",
    "fetches.rescue:after",
    "fetches.requeue:after",
]


class Died(AssertionError):
    """A point at which a death did harm."""


@asynccontextmanager
async def blamed(point: str) -> AsyncIterator[None]:
    """Puts the name of the point on whatever fails inside."""
    try:
        yield
    except AssertionError as error:
        raise Died(f"{point}: {error}") from error


def worsen(town: Town) -> None:
    """The load's faults: they end by themselves."""
    town.meta.faults = MetaFaults(readable_after_us=300 * MILLISECOND, updates_per_post_max=3)
    town.crm_fails(script=(Scripted(status=500), Scripted(status=500)), latency_us=10 * MILLISECOND)


async def die_under_load(scene: Scene) -> None:
    """Starts a life that has an end, and sends until it is gone."""
    program = scene.program
    await program.begin()

    async def is_up_or_gone() -> bool:
        return not program.is_running or await program.is_ready()

    await until(is_up_or_gone, DIES_WITHIN_S, "a start or an end")
    stopped = asyncio.Event()
    scene.sender.url = program.url
    load = asyncio.create_task(scene.sender.load(stopped, workers=3))
    try:
        code = await program.ended(DIES_WITHIN_S)
    finally:
        stopped.set()
        await load
    assert code == -9, program.err[-2000:]


async def survived(scene: Scene) -> Audit:
    """The next start on the same file: everything that was taken arrives, once."""
    scene.program.launch = RUN
    await scene.go_on()
    await scene.take(scene.sender.site())
    found = await audit(scene.sender.book, scene.town, scene.program, within_s=30.0)
    assert found.is_sound, found
    assert "Traceback" not in scene.program.err
    return found


@pytest.mark.slow
@pytest.mark.parametrize("stage", POINTS)
async def test_dying_there_loses_nothing_and_repeats_nothing(stage: str, tmp_path: Path) -> None:
    async def die_at(point: str, count: int) -> None:
        folder = tmp_path / f"{point}-{count}"
        folder.mkdir()
        async with scene_in(folder) as scene, blamed(f"{point} ({count})"):
            scene.town.settle_in(folder)
            worsen(scene.town)
            scene.program.launch = [*DOOMED, point, str(count)]
            await die_under_load(scene)
            found = await survived(scene)
            if point == "events.append:after":
                assert found.unknown_arrived > 0, "it was on the disk, and its sender did not know"

    await asyncio.gather(*(die_at(point, count) for point, count in POINTS[stage]))


@pytest.mark.slow
async def test_dying_while_leases_are_taken_back_loses_nothing(tmp_path: Path) -> None:
    async def die_at(point: str) -> None:
        folder = tmp_path / point
        folder.mkdir()
        async with scene_in(folder) as scene, blamed(point):
            await be_killed_with_leases(scene)
            scene.program.launch = [*DOOMED, point, "1"]
            await scene.program.begin()
            assert await scene.program.ended(DIES_WITHIN_S) == -9, scene.program.err[-2000:]
            await survived(scene)

    await asyncio.gather(*(die_at(point) for point in POINTS_OF_THE_START))


async def be_killed_with_leases(scene: Scene) -> None:
    """One life that ends with fetches and deliveries under way."""
    town, sender = scene.town, scene.sender
    town.crm_fails(hang_share=1.0)
    town.meta.faults = MetaFaults(hang_share=1.0)
    await scene.open()
    await scene.take(*(sender.site() for _ in range(5)))
    await scene.take(*(sent for _ in range(10) for sent in sender.fresh()))
    await until_seen(lambda: town.crm.snapshot()["answers"].get("hang"), 10.0, "a delivery under way")

    async def is_fetching() -> bool:
        return bool((await scene.program.get("/api/v1/fetches?state=leased"))["items"])

    await until(is_fetching, 10.0, "a fetch under way")
    await scene.program.kill()
    town.crm_fails()
    town.meta.faults = MetaFaults()


class Tripwire:
    """The CRM, which has done its work, says nothing, and is heard of never again: the moment between send and reply."""

    def __init__(self, town: Town, path: str) -> None:
        self.faults = None
        self.tripped = asyncio.Event()
        self._town = town
        self._path = path

    def handle(self, request: WorldRequest, now: Instant) -> WorldAnswer:
        world = self._town.crm if self._path == "/leads" else self._town.meta
        answer = world.handle(request, now)
        if self.tripped.is_set() or answer.status >= 300:
            return answer
        self.tripped.set()
        return WorldAnswer(fault="hang")

    def snapshot(self) -> dict[str, object]:
        return {}


@pytest.mark.slow
@pytest.mark.parametrize("where", ["crm", "meta"])
async def test_dying_between_a_request_and_its_reply_repeats_nothing(where: str, scene: Scene) -> None:
    town, program = scene.town, scene.program
    wire = Tripwire(town, "/leads" if where == "crm" else "/")
    await town.serve(where, wire)
    await scene.open()
    stopped = asyncio.Event()
    load = asyncio.create_task(scene.sender.load(stopped, workers=2))
    await until_seen(wire.tripped.is_set, 10.0, "a request that was handled and not answered")
    await program.kill()
    stopped.set()
    await load
    await scene.go_on()
    found = await audit(scene.sender.book, town, program, within_s=30.0)
    assert found.is_sound, found
    assert found.acked > 0
    assert program.log("rescue.taken_back"), "the dead process's lease was waited for"
    if where == "crm":
        assert town.crm.snapshot()["repeated_keys"] >= 1, "the unknown outcome was never tried again under its key"


@pytest.mark.slow
async def test_leases_of_a_dead_process_are_taken_back_at_once(scene: Scene) -> None:
    await be_killed_with_leases(scene)
    await scene.go_on()
    await audit(scene.sender.book, scene.town, scene.program, within_s=5.0)
    taken_back = {record["what"] for record in scene.program.log("rescue.taken_back")}
    assert taken_back == {"deliveries", "fetches"}
