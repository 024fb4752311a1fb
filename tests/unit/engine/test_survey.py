"""The survey: it asks the ledger, but not more often than it can bear."""

import asyncio

from leadwire.engine.figures import EngineView
from leadwire.engine.metrics import Metrics
from leadwire.engine.survey import Survey, Surveyors
from leadwire.model.pull import Pause
from leadwire.model.times import Instant
from leadwire.ports.ledger import StoreHealth
from leadwire.store.memory import MemoryLedger
from leadwire.testing.manual_clock import ManualClock


class CountingLedger(MemoryLedger):
    """Counts how often its health is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    async def health(self, now: Instant) -> StoreHealth:
        self.asked += 1
        await asyncio.sleep(0)
        return await super().health(now)


def _survey(ledger: MemoryLedger, clock: ManualClock, is_ready: bool = True) -> Survey:
    surveyors = Surveyors(ledger=ledger, clock=clock, metrics=Metrics(), view=EngineView, is_ready=lambda: is_ready)
    return Survey(surveyors, ["meta"], ["crm"])


async def test_many_probes_at_once_make_one_durable_write_a_second() -> None:
    ledger, clock = CountingLedger(), ManualClock()
    survey = _survey(ledger, clock)
    assert await asyncio.gather(*[survey.is_ready() for _ in range(20)]) == [True] * 20
    assert ledger.asked == 1
    clock.advance(1)
    assert await survey.is_ready()
    assert ledger.asked == 2


async def test_a_process_that_is_not_ready_asks_nothing() -> None:
    ledger = CountingLedger()
    assert not await _survey(ledger, ManualClock(), is_ready=False).is_ready()
    assert ledger.asked == 0


async def test_a_report_may_be_two_seconds_old_unless_it_must_be_fresh() -> None:
    ledger, clock = MemoryLedger(), ManualClock()
    survey = _survey(ledger, clock)
    assert (await survey.report()).lanes[0].state == "ok"
    pause = Pause(subject="destination:crm", cause="manual", reason="x", paused_at=clock.now())
    await ledger.pauses.pause(pause)
    assert (await survey.report()).lanes[0].state == "ok"
    assert (await survey.report(fresh=True)).lanes[0].state == "paused"
    clock.advance(2)
    assert (await survey.report()).lanes[0].state == "paused"


async def test_a_pause_that_ran_out_is_no_pause() -> None:
    ledger, clock = MemoryLedger(), ManualClock()
    until = clock.now() + 1
    pause = Pause(subject="destination:crm", cause="retry_after", reason="x", paused_at=clock.now(), until=until)
    await ledger.pauses.pause(pause)
    clock.advance(1)
    assert (await _survey(ledger, clock).report()).lanes[0].state == "ok"
