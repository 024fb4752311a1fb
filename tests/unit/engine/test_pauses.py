import pytest

from engine_parts.parts import Notes
from leadwire.engine.pauses import Pauses
from leadwire.model.pull import Pause
from leadwire.model.times import HOUR, SECOND, Instant
from leadwire.store.memory import MemoryLedger

NOW: Instant = 1_750_000_000 * SECOND
LANE = "destination:crm"


def retry_after(wait: Instant) -> Pause:
    return Pause(subject=LANE, cause="retry_after", reason="429", paused_at=NOW, until=NOW + wait)


@pytest.mark.parametrize("order", [(30, 5), (5, 30)])
async def test_of_two_requests_for_silence_the_longer_holds_whichever_comes_last(order: tuple[int, int]) -> None:
    ledger = MemoryLedger()
    pauses = Pauses(ledger.pauses, Notes())
    for wait_s in order:
        await pauses.pause(retry_after(wait_s * SECOND))
    assert pauses.of(LANE, NOW + 29 * SECOND) is not None
    assert pauses.of(LANE, NOW + 30 * SECOND) is None
    assert [pause.until for pause in await ledger.pauses.pauses()] == [NOW + 30 * SECOND]


async def test_a_request_for_silence_does_not_reopen_a_lane_that_was_told_to_stop() -> None:
    pauses = Pauses(MemoryLedger().pauses, Notes())
    await pauses.pause(Pause(subject=LANE, cause="gone", reason="410", paused_at=NOW, until=None))
    await pauses.pause(retry_after(5 * SECOND))
    assert pauses.of(LANE, NOW + HOUR) is not None


async def test_a_refused_token_is_told_even_while_a_longer_silence_holds() -> None:
    notes = Notes()
    pauses = Pauses(MemoryLedger().pauses, notes)
    await pauses.pause(retry_after(HOUR))
    await pauses.pause(Pause(subject=LANE, cause="auth", reason="401", paused_at=NOW, until=None))
    assert notes.alerts == [LANE]
