"""Live: what readers hear, in which order, and what happens to a slow one."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from typing import cast

import msgspec
import pytest

from leadwire.engine.live import (
    BATCH_MAX,
    CHANGES_WAITING_MAX,
    READERS_MAX,
    Changed,
    Counts,
    Gone,
    Live,
    Reader,
    Signal,
)
from leadwire.engine.metrics import Metrics
from leadwire.model.lead import DeskEntry, DeskState, Lead
from leadwire.model.times import SECOND
from leadwire.ports.desk import Desk

NOW = 1_772_000_000 * SECOND


def _entry(lead_id: str, merged_into: str | None = None) -> DeskEntry:
    lead = Lead(
        id=lead_id,
        version=1,
        created_at=NOW,
        updated_at=NOW,
        received_at=NOW,
        document=msgspec.Raw(b"{}"),
        merged_into=merged_into,
    )
    return DeskEntry(lead=lead)


class CountingDesk:
    """The two reads of a `Desk` that Live makes."""

    def __init__(self) -> None:
        self.merged: dict[str, str] = {}
        self.erased: set[str] = set()
        self.reads: list[list[str]] = []
        self.counted = 0

    async def entries(self, lead_ids: Sequence[str]) -> list[DeskEntry]:
        self.reads.append(list(lead_ids))
        return [_entry(one, self.merged.get(one)) for one in reversed(lead_ids) if one not in self.erased]

    async def counts(self) -> dict[DeskState, int]:
        self.counted += 1
        return {"new": self.counted}


@pytest.fixture
def desk() -> CountingDesk:
    return CountingDesk()


@pytest.fixture
def live(desk: CountingDesk) -> Live:
    return Live(cast("Desk", desk), Metrics(), quiet_s=0.01)


async def _heard(reader: Reader) -> list[str]:
    """What waits for a reader, in words."""
    heard: list[str] = []
    async with aclosing(reader.signals()) as signals:
        async for signal in signals:
            if signal == "quiet":
                return heard
            heard.append(_word(signal))
    return heard


def _word(signal: Signal) -> str:
    match signal:
        case Changed():
            return signal.entry.lead.id
        case Gone():
            return f"gone {signal.lead_id}"
        case Counts():
            return f"{signal.states['new']} new"
        case _:
            return signal


async def test_every_reader_hears_every_change_in_order_and_it_is_read_once(live: Live, desk: CountingDesk) -> None:
    readers = [live.join(), live.join()]
    live.announce(["a", "b"])
    live.announce(["a", "c"])
    await live.run_once(NOW)
    assert desk.reads == [["a", "b", "c"]]
    for reader in readers:
        assert reader is not None
        assert await _heard(reader) == ["a", "b", "c", "1 new"]


async def test_a_merged_or_erased_lead_is_gone(live: Live, desk: CountingDesk) -> None:
    reader = live.join()
    assert reader is not None
    desk.merged["a"] = "b"
    desk.erased.add("c")
    live.announce(["a", "b", "c"])
    await live.run_once(NOW)
    assert await _heard(reader) == ["gone a", "b", "gone c", "1 new"]


async def test_nobody_listens_nothing_is_read(live: Live, desk: CountingDesk) -> None:
    live.announce(["a"])
    await live.run_once(NOW)
    assert desk.reads == []


async def test_a_burst_is_read_in_bounded_pieces(live: Live, desk: CountingDesk) -> None:
    live.join()
    live.announce([f"lead{number}" for number in range(BATCH_MAX + 3)])
    step = await live.run_once(NOW)
    assert step.done == BATCH_MAX
    await live.run_once(NOW)
    assert [len(read) for read in desk.reads] == [BATCH_MAX, 3]


async def test_counts_come_at_most_every_two_seconds(live: Live, desk: CountingDesk) -> None:
    live.join()
    for moment in (NOW, NOW + SECOND // 2, NOW + SECOND):
        live.announce(["a"])
        step = await live.run_once(moment)
    assert desk.counted == 1
    assert step.rest_s == 1.0
    await live.run_once(NOW + 2 * SECOND)
    assert desk.counted == 2


async def test_a_slow_reader_is_told_to_reload_and_slows_nobody(live: Live) -> None:
    slow, quick = live.join(), live.join()
    assert slow is not None
    assert quick is not None
    quickly: list[str] = []
    for number in range(CHANGES_WAITING_MAX + 1):
        live.announce([f"lead{number}"])
        await live.run_once(NOW)
        if number % 100 == 0:
            quickly += await _heard(quick)
    assert [*quickly, *await _heard(quick)] == ["lead0", "1 new", *[f"lead{n}" for n in range(1, number + 1)]]
    heard = await _heard(slow)
    assert heard[0] == "resync"
    assert len(heard) < 5


async def test_what_is_drawn_of_a_change_is_drawn_once_per_kind() -> None:
    drawn: list[str] = []

    def draw(entry: DeskEntry) -> str:
        drawn.append(entry.lead.id)
        return f"row {len(drawn)}"

    changed = Changed(_entry("a"))
    assert [changed.drawn("row", draw), changed.drawn("row", draw), changed.drawn("other", draw)] == [
        "row 1",
        "row 1",
        "row 2",
    ]


async def test_a_quiet_connection_hears_that_it_is_quiet(live: Live) -> None:
    reader = live.join()
    assert reader is not None
    async with aclosing(reader.signals()) as signals:
        assert await anext(signals) == "quiet"


async def test_closing_ends_every_connection_after_what_waits(live: Live) -> None:
    reader = live.join()
    assert reader is not None
    live.announce(["a"])
    await live.run_once(NOW)
    await live.drain()
    async with aclosing(reader.signals()) as signals:
        assert [_word(signal) async for signal in signals] == ["a", "1 new"]
    assert live.join() is None


async def test_a_reader_that_waits_is_woken_by_the_close(live: Live) -> None:
    patient = Live(cast("Desk", CountingDesk()), Metrics(), quiet_s=3600)
    reader = patient.join()
    assert reader is not None

    async def listen() -> list[Signal]:
        async with aclosing(reader.signals()) as signals:
            return [signal async for signal in signals]

    listening = asyncio.create_task(listen())
    await asyncio.sleep(0)
    patient.close()
    assert await listening == []


async def test_who_left_is_not_served_and_room_is_bounded(live: Live, desk: CountingDesk) -> None:
    readers = [live.join() for _ in range(READERS_MAX)]
    assert None not in readers
    assert live.join() is None
    assert readers[0] is not None
    live.leave(readers[0])
    assert live.has_room
