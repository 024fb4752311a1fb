"""The process dies at every named point of a lead's life; the next start brings all of it on, once."""

import asyncio
import sys
from pathlib import Path

import pytest

from e2e.audit import Audit, audit
from e2e.program import RUN, Program
from e2e.sender import Sender
from e2e.town import Town
from e2e.until import until, until_seen
from leadwire.model.times import MILLISECOND, Instant
from leadwire.simulators.crm.faults import Scripted
from leadwire.simulators.exchange import WorldAnswer, WorldRequest
from leadwire.simulators.meta.faults import Faults as MetaFaults

DOOMED = [sys.executable, str(Path(__file__).with_name("doomed.py")), "leadwire.toml"]
DIES_WITHIN_S = 20.0

# Each point with the call at which it kills. One load reaches all of them: leads that can't be read at first, a CRM that
# answers 500 at first, and enough of both.
POINTS = [
    ("events.append:before", 3),
    ("events.append:after", 1),
    ("events.append:after", 5),
    ("leads.known:after", 2),
    ("leads.absorb:before", 1),
    ("leads.absorb:after", 1),
    ("leads.absorb:before", 5),
    ("leads.absorb:after", 5),
    ("fetches.claim:before", 4),
    ("fetches.claim:after", 4),
    ("fetches.settle:before", 1),
    ("fetches.settle:after", 2),
    ("deliveries.claim:before", 4),
    ("deliveries.claim:after", 4),
    ("deliveries.settle:before", 1),
    ("deliveries.settle:after", 1),
    ("deliveries.settle:before", 4),
    ("deliveries.settle:after", 4),
    ("http.send:before", 1),
    ("http.send:after", 1),
    ("http.send:before", 6),
    ("http.send:after", 6),
]

POINTS_OF_THE_START = [
    "deliveries.rescue:before",
    "deliveries.rescue:after",
    "fetches.rescue:after",
    "fetches.requeue:after",
]


def worsen(town: Town) -> None:
    """The load's faults: they end by themselves."""
    town.meta.faults = MetaFaults(readable_after_us=300 * MILLISECOND, updates_per_post_max=3)
    town.crm_fails(script=(Scripted(status=500), Scripted(status=500)), latency_us=10 * MILLISECOND)


async def die_under_load(program: Program, sender: Sender) -> None:
    """Starts a life that has an end, and sends until it is gone."""
    await program.begin()

    async def is_up_or_gone() -> bool:
        return not program.is_running or await program.is_ready()

    await until(is_up_or_gone, 20.0, "a start or an end")
    stopped = asyncio.Event()
    sender.url = program.url
    load = asyncio.create_task(sender.load(stopped, workers=3))
    try:
        code = await program.ended(DIES_WITHIN_S)
    finally:
        stopped.set()
        await load
    assert code == -9, program.err[-2000:]


async def survives(town: Town, program: Program, sender: Sender) -> Audit:
    """The next start on the same file: everything that was taken arrives, once."""
    program.launch = RUN
    await program.start()
    sender.url = program.url
    assert await sender.send(sender.site()) == "ok"
    found = await audit(sender.book, town, program, within_s=20.0)
    assert found.is_sound, found
    assert found.acked > 0
    assert "Traceback" not in program.err
    return found


@pytest.mark.slow
@pytest.mark.parametrize(("point", "count"), POINTS, ids=[f"{point}-{count}" for point, count in POINTS])
async def test_dying_there_loses_nothing_and_repeats_nothing(
    point: str, count: int, town: Town, program: Program, sender: Sender
) -> None:
    town.settle_in(program.folder)
    worsen(town)
    program.launch = [*DOOMED, point, str(count)]
    await die_under_load(program, sender)
    found = await survives(town, program, sender)
    if point == "events.append:after":
        assert found.unknown_arrived > 0, "it was on the disk, and its sender did not know"


@pytest.mark.slow
@pytest.mark.parametrize("point", POINTS_OF_THE_START)
async def test_dying_while_leases_are_taken_back_loses_nothing(
    point: str, town: Town, program: Program, sender: Sender
) -> None:
    town.settle_in(program.folder)
    town.crm_fails(hang_share=1.0)
    await program.start()
    sender.url = program.url
    for _ in range(5):
        await sender.send(sender.site())
    await until_seen(lambda: town.crm.snapshot()["answers"].get("hang"), 10.0, "a delivery under way")
    town.meta.faults = MetaFaults(hang_share=1.0)
    for sent in [each for _ in range(5) for each in sender.fresh()]:
        await sender.send(sent)
    await program.kill()
    town.crm_fails()
    town.meta.faults = MetaFaults()
    program.launch = [*DOOMED, point, "1"]
    await program.begin()
    assert await program.ended(DIES_WITHIN_S) == -9, program.err[-2000:]
    await survives(town, program, sender)


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
async def test_dying_between_a_request_and_its_reply_repeats_nothing(
    where: str, town: Town, program: Program, sender: Sender
) -> None:
    wire = Tripwire(town, "/leads" if where == "crm" else "/")
    await town.serve(where, wire)
    town.settle_in(program.folder)
    await program.start()
    sender.url = program.url
    stopped = asyncio.Event()
    load = asyncio.create_task(sender.load(stopped, workers=2))
    await until_seen(wire.tripped.is_set, 10.0, "a request that was handled and not answered")
    await program.kill()
    stopped.set()
    await load
    began = len(town.crm.effects)
    took_s = await program.start()
    found = await audit(sender.book, town, program, within_s=20.0)
    assert found.is_sound, found
    assert found.acked > 0
    assert program.log("rescue.taken_back"), "the dead process's lease was waited for"
    assert took_s < 10.0
    if where == "crm":
        assert town.crm.snapshot()["repeated_keys"] >= 1, "the unknown outcome was never tried again under its key"
        assert len(town.crm.effects) > began
