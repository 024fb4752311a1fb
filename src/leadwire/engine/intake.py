"""Intake: the one write path for pushes. Whoever waits together is stored together, in one commit."""

import asyncio
from collections import deque
from typing import Final, Literal

from leadwire.engine.step import Step
from leadwire.model.errors import StorageFailed, StorageFull, StoreError
from leadwire.model.event import NewEvent
from leadwire.model.times import Instant
from leadwire.ports.bell import Bell
from leadwire.ports.clock import Clock
from leadwire.ports.event_log import EventLog

Verdict = Literal["stored", "duplicate"]

_WAITING_MAX: Final = 10_000


class Intake:
    """Stores pushed events durably; a service of the supervisor, with `accept` as its door.

    `accept` returns only after the commit that holds the event. Events that arrive while a commit runs wait and share the
    next one, at most `batch_max` of them: no timer, no task per event. At most `waiting_max` events wait; the next one is
    turned away with StorageFull.
    """

    name = "intake"
    topic = "intake"

    def __init__(
        self, events: EventLog, clock: Clock, bell: Bell, *, batch_max: int = 512, waiting_max: int = _WAITING_MAX
    ) -> None:
        self._events = events
        self._clock = clock
        self._bell = bell
        self._batch_max = batch_max
        self._waiting_max = waiting_max
        self._waiting: deque[tuple[NewEvent, asyncio.Future[Verdict]]] = deque()
        self._refusal: StoreError | None = None
        self.stored = 0
        self.duplicates = 0
        self.commits = 0

    @property
    def waiting(self) -> int:
        """How many events wait for the next commit."""
        return len(self._waiting)

    async def accept(self, event: NewEvent) -> Verdict:
        """Answers "stored" once the event is on disk, "duplicate" where its dedup key was there already.

        Raises StorageFull (nothing stored, may work later: answer 503) or StorageFailed (the process is about to stop).
        A caller that is cancelled leaves the event in the queue: it is stored all the same.
        """
        if self._refusal is not None:
            raise type(self._refusal)(str(self._refusal))
        if len(self._waiting) >= self._waiting_max:
            raise StorageFull("too many events wait to be stored")
        verdict: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()
        self._waiting.append((event, verdict))
        if len(self._waiting) == 1:
            self._bell.ring(self.topic)
        return await verdict

    async def run_once(self, now: Instant) -> Step:
        """Commits what waits, up to `batch_max`, and tells every waiter. Raises StorageFailed, after telling them."""
        waiting = self._waiting
        if not waiting:
            return Step()
        batch = [waiting.popleft() for _ in range(min(len(waiting), self._batch_max))]
        try:
            sequences = await self._events.append([event for event, _ in batch], now)
        except StorageFailed as failure:
            self._refusal = failure
            _refuse(batch, failure)
            _refuse(waiting, failure)
            waiting.clear()
            raise
        except StoreError as error:
            full = error if isinstance(error, StorageFull) else StorageFull("the ledger is busy")
            _refuse(batch, full)
            return Step(done=len(batch))
        except BaseException:
            _refuse(batch, StorageFailed("the commit was interrupted"))
            raise
        stored = 0
        for (_, verdict), sequence in zip(batch, sequences, strict=True):
            stored += sequence is not None
            if not verdict.done():
                verdict.set_result("duplicate" if sequence is None else "stored")
        self.commits += 1
        self.stored += stored
        self.duplicates += len(batch) - stored
        if stored:
            self._bell.ring("events")
        return Step(done=len(batch))

    async def drain(self) -> None:
        """Stores what still waits; from now on every event is turned away."""
        self._refusal = StorageFull("leadwire is stopping")
        while self._waiting:
            await self.run_once(self._clock.now())


def _refuse(
    batch: "deque[tuple[NewEvent, asyncio.Future[Verdict]]] | list[tuple[NewEvent, asyncio.Future[Verdict]]]",
    error: StoreError,
) -> None:
    for _, verdict in batch:
        if not verdict.done():
            verdict.set_exception(type(error)(str(error)))
