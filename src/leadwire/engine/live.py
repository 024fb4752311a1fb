"""Live: everyone who reads along sees a changed lead at once. Each change is read once, whoever many listen."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Literal

import msgspec

from leadwire.engine.metrics import Metrics
from leadwire.engine.step import Step
from leadwire.model.lead import DeskEntry, DeskState
from leadwire.model.times import SECOND, Instant
from leadwire.ports.desk import Desk

CHANGES_WAITING_MAX = 256
READERS_MAX = 1_000
BATCH_MAX = 200
COUNTS_EVERY = 2 * SECOND
REST_S = 5.0


class Changed:
    """A lead as it now is. What readers draw of it is drawn once: `drawn` remembers it by kind."""

    def __init__(self, entry: DeskEntry) -> None:
        self.entry = entry
        self._drawn: dict[str, str] = {}

    def drawn(self, kind: str, draw: Callable[[DeskEntry], str]) -> str:
        """What `draw` makes of the entry; it is called at most once per kind."""
        if kind not in self._drawn:
            self._drawn[kind] = draw(self.entry)
        return self._drawn[kind]


class Gone(msgspec.Struct, frozen=True, kw_only=True):
    """A lead that was merged into another, or erased."""

    lead_id: str


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """How many leads are in each state now."""

    states: dict[DeskState, int]


Signal = Changed | Gone | Counts | Literal["resync", "quiet"]


class Reader:
    """One live connection: what it has not taken yet, at most 256 signals; then they are dropped for one "resync"."""

    def __init__(self, quiet_s: float) -> None:
        self._quiet_s = quiet_s
        self._waiting: deque[Signal] = deque()
        self._woken = asyncio.Event()
        self._is_closed = False

    def offer(self, signal: Signal) -> bool:
        """Queues a signal; False where the reader was too slow and must reload everything."""
        keeps_up = len(self._waiting) < CHANGES_WAITING_MAX
        if not keeps_up:
            self._waiting.clear()
            signal = "resync"
        self._waiting.append(signal)
        self._woken.set()
        return keeps_up

    def close(self) -> None:
        """Ends the connection once it has taken what waits."""
        self._is_closed = True
        self._woken.set()

    async def signals(self) -> AsyncGenerator[Signal, None]:
        """Every signal in order, "quiet" after a while without any; ends when the reader is closed."""
        while True:
            while self._waiting:
                yield self._waiting.popleft()
            if self._is_closed:
                return
            self._woken.clear()
            try:
                async with asyncio.timeout(self._quiet_s):
                    await self._woken.wait()
            except TimeoutError:
                yield "quiet"


class Live:
    """The broadcaster, a service of the supervisor on the bell's topic "leads". `announce` is what the bell calls with the
    ids; nobody who listens can slow it down. A connection with nothing to say for `quiet_s` seconds gets a "quiet" signal."""

    name = "live"
    topic = "leads"

    def __init__(self, desk: Desk, metrics: Metrics, *, quiet_s: float = 15.0) -> None:
        self._quiet_s = quiet_s
        self._desk = desk
        self._metrics = metrics
        self._announced: dict[str, None] = {}
        self._readers: set[Reader] = set()
        self._is_closed = False
        self._counts_owed = False
        self._counted_at: Instant = 0

    def announce(self, lead_ids: Sequence[str]) -> None:
        """Notes that these leads changed; returns at once."""
        if self._readers:
            self._announced.update(dict.fromkeys(lead_ids))

    async def run_once(self, now: Instant) -> Step:
        """Reads what was announced, once, and hands it to every reader."""
        lead_ids = list(self._announced)[:BATCH_MAX]
        for lead_id in lead_ids:
            del self._announced[lead_id]
        if lead_ids and self._readers:
            entries = {entry.lead.id: entry for entry in await self._desk.entries(lead_ids)}
            for lead_id in lead_ids:
                entry = entries.get(lead_id)
                if entry is None or entry.lead.merged_into is not None:
                    self._publish(Gone(lead_id=lead_id))
                else:
                    self._publish(Changed(entry))
            self._counts_owed = True
        if self._announced:
            return Step(done=len(lead_ids))
        return Step(rest_s=await self._count(now))

    async def _count(self, now: Instant) -> float:
        """Publishes the counts where they are owed, at most every two seconds; how long to rest."""
        if not self._counts_owed:
            return REST_S
        wait = self._counted_at + COUNTS_EVERY - now
        if wait > 0:
            return wait / SECOND
        self._counts_owed = False
        self._counted_at = now
        self._publish(Counts(states=await self._desk.counts()))
        return REST_S

    def _publish(self, signal: Signal) -> None:
        slow = [reader for reader in self._readers if not reader.offer(signal)]
        self._metrics.live_readers(len(self._readers), len(slow))

    @property
    def has_room(self) -> bool:
        """Whether one more may join."""
        return not self._is_closed and len(self._readers) < READERS_MAX

    def join(self) -> Reader | None:
        """A new reader, who sees all that changes from now on; None where too many read already or the process stops."""
        if not self.has_room:
            return None
        reader = Reader(self._quiet_s)
        self._readers.add(reader)
        self._metrics.live_readers(len(self._readers), 0)
        return reader

    def leave(self, reader: Reader) -> None:
        """The reader is gone."""
        self._readers.discard(reader)
        self._metrics.live_readers(len(self._readers), 0)

    def close(self) -> None:
        """Ends every connection; call it when the server begins to stop."""
        self._is_closed = True
        for reader in self._readers:
            reader.close()

    async def drain(self) -> None:
        """Ends every connection."""
        self.close()
