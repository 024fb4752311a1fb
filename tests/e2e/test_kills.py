"""kill -9 at random moments under load, restart on the same file, heal, and count: none lost, none twice."""

import asyncio
import os
import statistics
from random import Random

import pytest

from e2e.audit import audit
from e2e.scene import Scene
from e2e.town import Town
from e2e.until import pause
from leadwire.model.times import MILLISECOND
from leadwire.simulators.chance import happens
from leadwire.simulators.meta.faults import Faults as MetaFaults

KILLS = int(os.environ.get("LEADWIRE_KILLS") or (200 if os.environ.get("LEADWIRE_SOAK") else 25))
SEED = int(os.environ.get("LEADWIRE_SEED") or 2026)
LIFE_S = 0.9
READY_P95_S = 5.0


def worsen(town: Town, chance: Random) -> None:
    """The faults of one life: lost replies and slow answers always, and now and then a CRM that is away."""
    away = (town.outage(chance.uniform(0.1, 1.0)),) if happens(chance, 0.3) else ()
    town.crm_fails(
        latency_us=5 * MILLISECOND,
        latency_jitter_us=40 * MILLISECOND,
        lost_reply_share=0.15,
        server_error_share=0.05,
        outages=away,
    )


def heal(town: Town) -> None:
    town.crm_fails()
    town.meta.faults = MetaFaults()


@pytest.mark.slow
@pytest.mark.timeout(90 + KILLS * 10)
async def test_no_kill_loses_a_lead_or_brings_one_twice(scene: Scene) -> None:
    town, program, sender = scene.town, scene.program, scene.sender
    chance = Random(SEED)
    town.settle_in(program.folder)
    town.meta.faults = MetaFaults(
        latency_us=5 * MILLISECOND,
        latency_jitter_us=30 * MILLISECOND,
        updates_per_post_max=5,
        readable_after_us=200 * MILLISECOND,
        server_error_share=0.05,
        batch_null_share=0.05,
    )
    unborn = 0
    for _ in range(KILLS):
        worsen(town, chance)
        if happens(chance, 0.1):
            await program.begin()
            await pause(chance.uniform(0.1, 0.8))
            await program.kill()
            unborn += 1
            continue
        await scene.go_on()
        stopped = asyncio.Event()
        load = asyncio.create_task(sender.load(stopped, workers=chance.randint(1, 12)))
        await pause(chance.uniform(0.02, LIFE_S))
        await program.kill()
        stopped.set()
        await load
    heal(town)
    await scene.go_on()
    found = await audit(sender.book, town, program)
    ready = sorted(program.ready_after_s)
    p95 = statistics.quantiles(ready, n=20)[-1] if len(ready) > 1 else ready[0]
    print(
        f"\n{KILLS} kills ({unborn} before it was ready), seed {SEED}: {found.acked} taken, {found.arrived} arrived, "
        f"{found.unknown_arrived} of unknown outcome arrived, {len(found.lost)} lost, {len(found.twice)} twice, "
        f"{len(found.ghost)} ghosts, {len(found.stale)} stale; ready again after p50 {statistics.median(ready):.2f} s, "
        f"p95 {p95:.2f} s; answers {dict(sender.book.statuses)}; CRM {town.crm.snapshot()['answers']}"
    )
    assert found.is_sound, found
    assert found.acked > KILLS, "the load was too small to prove anything"
    assert town.crm.snapshot()["answers"].get("lost_reply", 0) > 0
    assert p95 < READY_P95_S
    assert {status for status in sender.book.statuses if status.isdecimal()} == {"200"}
    assert "Traceback" not in program.err
