import random
from collections.abc import AsyncIterator

from engine_parts.parts import Notes
from leadwire.engine.bell import LocalBell
from leadwire.engine.pauses import Pauses
from leadwire.engine.poll import Poll, PollPolicy, PollTools
from leadwire.engine.resolve import Resolve, ResolveRules
from leadwire.model.times import HOUR, SECOND
from leadwire.sdk import Cursor, Page
from leadwire.store.memory import MemoryLedger
from leadwire.testing.manual_clock import ManualClock


class Counting:
    """A source that is asked and has nothing."""

    def __init__(self) -> None:
        self.pulls = 0

    async def pull(self, stream: str, cursor: Cursor | None) -> AsyncIterator[Page]:
        self.pulls += 1
        for page in list[Page]():
            yield page


def poll_of(source: Counting, clock: ManualClock) -> Poll:
    ledger, bell, notes = MemoryLedger(), LocalBell(), Notes()
    rules = ResolveRules(policies={}, routes=[], new_id=lambda: "lead")
    tools = PollTools(
        leads=ledger.leads,
        resolve=Resolve(ledger.events, ledger.leads, {}, rules, bell, notes),
        pauses=Pauses(ledger.pauses, notes),
        clock=clock,
        chance=random.Random(1),
        observer=notes,
    )
    return Poll(source, PollPolicy(source="table", interval_s=20.0), tools)


async def test_a_source_is_asked_once_per_interval() -> None:
    source, clock = Counting(), ManualClock()
    poll = poll_of(source, clock)
    now = clock.now()
    for second in range(60):
        await poll.run_once(now + second * SECOND)
    assert source.pulls in (3, 4)


async def test_a_clock_that_was_set_back_does_not_stop_the_polls() -> None:
    source, clock = Counting(), ManualClock()
    poll = poll_of(source, clock)
    now = clock.now()
    await poll.run_once(now)
    step = await poll.run_once(now - HOUR)
    assert source.pulls == 2
    assert step.rest_s <= 20.0
