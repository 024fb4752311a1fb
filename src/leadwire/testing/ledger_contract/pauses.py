"""The pause book's contract."""

import msgspec

from leadwire.model.pull import Pause
from leadwire.ports.ledger import Ledger
from leadwire.testing.ledger_contract.samples import START, Reopen, at

LANE = Pause(subject="destination:crm", cause="auth", reason="401", paused_at=START)
SCOPE = Pause(subject="source:meta/page 1", cause="throttled", reason="80005", paused_at=START, until=at(60))


class PauseBookContract:
    async def test_pauses_come_back_as_they_were_given(self, ledger: Ledger) -> None:
        await ledger.pauses.pause(LANE)
        await ledger.pauses.pause(SCOPE)
        assert sorted(await ledger.pauses.pauses(), key=lambda pause: pause.subject) == [LANE, SCOPE]

    async def test_a_later_pause_of_the_same_subject_replaces_the_earlier(self, ledger: Ledger) -> None:
        await ledger.pauses.pause(LANE)
        later = msgspec.structs.replace(LANE, cause="retry_after", reason="429", paused_at=at(1), until=at(9))
        await ledger.pauses.pause(later)
        assert list(await ledger.pauses.pauses()) == [later]

    async def test_a_manual_pause_is_replaced_by_a_manual_one_only(self, ledger: Ledger) -> None:
        manual = msgspec.structs.replace(LANE, cause="manual", reason="maintenance")
        await ledger.pauses.pause(LANE)
        await ledger.pauses.pause(manual)
        await ledger.pauses.pause(LANE)
        assert list(await ledger.pauses.pauses()) == [manual]
        longer = msgspec.structs.replace(manual, reason="longer maintenance", until=at(99))
        await ledger.pauses.pause(longer)
        assert list(await ledger.pauses.pauses()) == [longer]

    async def test_resume_removes_one_pause_and_says_whether_there_was_one(self, ledger: Ledger) -> None:
        await ledger.pauses.pause(LANE)
        await ledger.pauses.pause(SCOPE)
        assert await ledger.pauses.resume("destination:crm") is True
        assert await ledger.pauses.resume("destination:crm") is False
        assert list(await ledger.pauses.pauses()) == [SCOPE]

    async def test_a_resumed_manual_pause_leaves_room_for_other_causes(self, ledger: Ledger) -> None:
        await ledger.pauses.pause(msgspec.structs.replace(LANE, cause="manual"))
        await ledger.pauses.resume(LANE.subject)
        await ledger.pauses.pause(LANE)
        assert list(await ledger.pauses.pauses()) == [LANE]

    async def test_pauses_outlive_the_process(self, ledger: Ledger, reopen: Reopen) -> None:
        await ledger.pauses.pause(SCOPE)
        other = await reopen()
        assert list(await other.pauses.pauses()) == [SCOPE]
