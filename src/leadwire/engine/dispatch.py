"""Dispatch: one lane per destination. It claims what is owed, starts tries as far as its limits allow, and settles what ended."""

import asyncio
from collections import deque
from collections.abc import Sequence

import msgspec

from leadwire.engine.observer import Observer
from leadwire.engine.parcel import pack
from leadwire.engine.pauses import Pauses, lane_subject
from leadwire.engine.step import Step
from leadwire.engine.supervisor import Crashed, guard
from leadwire.model.delivery import ClaimedDelivery, Settlement
from leadwire.model.errors import DestinationError, EgressRefused, OutcomeUnknown, Rejected, Retryable, StoreError
from leadwire.model.pull import Pause
from leadwire.model.times import MINUTE, SECOND, Instant, seconds
from leadwire.ports.bell import Bell
from leadwire.ports.clock import Chance, Clock
from leadwire.ports.delivery_queue import DeliveryClaim, DeliveryQueue
from leadwire.rules.breaker import Breaker
from leadwire.rules.fairness import fresh_share
from leadwire.rules.mapping import Mapping, MappingInvalid
from leadwire.rules.rate import RateWindow
from leadwire.rules.transitions import LaneEffect, RetryPolicy, Try, must_not_repeat, release, settle
from leadwire.sdk.destination import Delivered, Delivery, Destination, Receipt
from leadwire.sdk.http import NotSent, ReplyLost

REST_S = 5.0
LEASE_MARGIN_S = 60.0
ADDRESS_REST_S = 10.0
FRESH_FOR = 10 * MINUTE


class LanePolicy(msgspec.Struct, frozen=True, kw_only=True):
    """A destination's limits. `rate` is (count, window in seconds) or None; `mappings` are by sync name."""

    destination: str
    mappings: dict[str, Mapping]
    concurrency: int = 8
    rate: tuple[float, float] | None = None
    timeout_s: float = 15.0
    batch: int = 100
    retry: RetryPolicy = RetryPolicy()


class LaneTools(msgspec.Struct, frozen=True, kw_only=True):
    """What a lane needs of the engine. `owner` names this process in leases."""

    queue: DeliveryQueue
    pauses: Pauses
    bell: Bell
    clock: Clock
    chance: Chance
    observer: Observer
    owner: str


class Lane:
    """One destination's deliveries: its own concurrency, rate, breaker and pauses. A dead destination slows nobody else."""

    def __init__(self, destination: Destination, policy: LanePolicy, tools: LaneTools) -> None:
        self.name = f"lane:{policy.destination}"
        self.topic = f"deliveries:{policy.destination}"
        self.breaker = Breaker()
        self._destination = destination
        self._policy = policy
        self._tools = tools
        self._subject = lane_subject(policy.destination)
        self._rate = RateWindow(*policy.rate) if policy.rate else None
        self._batch_max = min(int(getattr(destination, "batch_max", 1)), policy.batch)
        self._ready: deque[ClaimedDelivery] = deque()
        self._running: set[asyncio.Task[None]] = set()
        self._settlements: list[Settlement] = []
        self._pauses_due: list[LaneEffect] = []
        self._is_back = False
        self._is_open = False

    async def run_once(self, now: Instant) -> Step:
        """Settles what ended, claims what is due, starts what may start."""
        settled = 0
        if self._pauses_due or self._is_paused(now):
            settled = await self._settle(now)
        if self._is_paused(now):
            self._is_open = False
            await self._release_ready(now)
            return Step(done=settled, rest_s=self._rest_while_paused_s(now))
        self._is_open = True
        if self._is_back:
            self._is_back = False
            await self._tools.queue.hasten(self._policy.destination, now)
        room = self._room(now)
        # asked for together, in this order, so that the ledger takes them in one commit
        ended, claimed, due = await asyncio.gather(self._settle(now), self._claim(now, room), self._next_due(room))
        started = self._start()
        return Step(
            done=settled + ended + claimed + started,
            rest_s=self._rest_s(now, due),
            is_through=claimed < max(room, 1),
        )

    async def drain(self) -> None:
        """Lets running tries end (each is bounded by its time-out), settles them and gives the rest back."""
        self._is_open = False
        while self._running:
            await asyncio.wait(self._running)
        now = self._tools.clock.now()
        await self._settle(now)
        await self._release_ready(now)

    def abandon(self) -> None:
        """Cancels running tries; their outcome is unknown and their leases are taken back at the next start."""
        for task in self._running:
            task.cancel()

    async def _settle(self, now: Instant) -> int:
        settlements, self._settlements = self._settlements, []
        effects, self._pauses_due = self._pauses_due, []
        try:
            for effect in effects:
                await self._pause(effect, settlements, now)
            if settlements:
                await self._tools.queue.settle(settlements, now)
        except StoreError:  # a full disk, say: what became of the tries is written down once there is room
            self._settlements[:0] = settlements
            self._pauses_due[:0] = effects
            raise
        return len(settlements)

    async def _pause(self, effect: LaneEffect, settlements: Sequence[Settlement], now: Instant) -> None:
        if effect.pause is None:
            return
        reason = next((item.reason for item in reversed(settlements) if item.reason), effect.pause)
        until = None if effect.pause_for_s is None else now + seconds(effect.pause_for_s)
        pause = Pause(subject=self._subject, cause=effect.pause, reason=reason, paused_at=now, until=until)
        await self._tools.pauses.pause(pause)

    async def _release_ready(self, now: Instant) -> None:
        if self._ready:
            released = [release(claimed.delivery, now) for claimed in self._ready]
            await self._tools.queue.settle(released, now)
            self._ready.clear()

    async def _claim(self, now: Instant, room: int) -> int:
        if room <= 0:
            return 0
        policy = self._policy
        claim = DeliveryClaim(
            destination=policy.destination,
            limit=room,
            fresh=fresh_share(room, room),
            fresh_since=now - FRESH_FOR,
            now=now,
            lease_until=now + seconds(policy.timeout_s + LEASE_MARGIN_S),
            owner=self._tools.owner,
        )
        claimed = await self._tools.queue.claim(claim)
        self._ready.extend(claimed)
        return len(claimed)

    def _room(self, now: Instant) -> int:
        """How many to claim: enough to keep every slot busy and as many waiting, and no more than the rate lets go soon."""
        if not self.breaker.allows(now):
            return 0
        if self.breaker.state != "closed":
            return 0 if self._ready or self._running else 1
        held = len(self._ready) + len(self._running) * self._batch_max
        room = self._policy.concurrency * self._batch_max * 2 - held
        if self._rate is None:
            return room
        count, window_s = self._policy.rate or (0.0, 1.0)
        return min(room, max(1, int(count / window_s)) - len(self._ready))

    def _start(self) -> int:
        started = 0
        while self._ready and len(self._running) < self._policy.concurrency:
            now = self._tools.clock.now()
            if not self.breaker.allows(now) or (self._rate is not None and self._rate.wait_us(now) > 0):
                break
            if self._rate is not None:
                self._rate.take(now)
            self.breaker.took(now)
            batch = [self._ready.popleft() for _ in range(min(self._batch_max, len(self._ready)))]
            task = asyncio.create_task(self._try(batch))
            self._running.add(task)
            task.add_done_callback(self._ended)
            started += len(batch)
        return started

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._tools.observer.crashed(self.name, error)
        if self._is_open and not self._pauses_due and not self._is_paused(self._tools.clock.now()):
            self._start()  # no slot stays empty while the next step stores what ended
        self._tools.bell.ring(self.topic)

    def _is_paused(self, now: Instant) -> bool:
        return self._tools.pauses.of(self._subject, now) is not None

    async def _next_due(self, room: int) -> Instant | None:
        return await self._tools.queue.next_due(self._policy.destination) if room > 0 else None

    def _rest_s(self, now: Instant, due: Instant | None) -> float:
        """Until the next thing that no bell announces: the breaker's probe, the rate's next slot, the next retry."""
        waits = [REST_S]
        if not self.breaker.allows(now) and self.breaker.probe_at is not None:
            waits.append((self.breaker.probe_at - now) / SECOND)
        elif self._ready and self._rate is not None and len(self._running) < self._policy.concurrency:
            waits.append(self._rate.wait_us(self._tools.clock.now()) / SECOND)
        elif due is not None and not self._ready:
            # due and yet not claimed: it waits for another version of its lead, and that one's end rings the bell
            waits.append(max((due - now) / SECOND, 0.25))
        return max(min(waits), 0.005)

    def _rest_while_paused_s(self, now: Instant) -> float:
        pause = self._tools.pauses.of(self._subject, now)
        if pause is None or pause.until is None:
            return REST_S
        return max(min((pause.until - now) / SECOND, REST_S), 0.005)

    async def _try(self, batch: Sequence[ClaimedDelivery]) -> None:
        started_at = self._tools.clock.now()
        packed: list[tuple[ClaimedDelivery, Delivery]] = []
        for claimed in batch:
            if must_not_repeat(claimed.delivery, self._policy.retry):
                self._conclude(claimed, OutcomeUnknown("The process ended during the try before."), started_at)
                continue
            try:
                packed.append((claimed, pack(claimed, self._policy.mappings.get(claimed.delivery.sync))))
            except MappingInvalid as error:
                self._conclude(claimed, Rejected(str(error)), started_at)
        if not packed:
            return
        receipts = await self._deliver([delivery for _, delivery in packed])
        effects = [
            self._conclude(claimed, receipt, started_at) for (claimed, _), receipt in zip(packed, receipts, strict=True)
        ]
        self._note_availability(any(effect.is_available for effect in effects))

    async def _deliver(self, batch: Sequence[Delivery]) -> Sequence[Receipt]:
        """One receipt per delivery. A batch that is refused as a whole is halved until the bad one stands alone."""
        try:
            async with asyncio.timeout(self._policy.timeout_s):
                receipts = await guard(self._destination.deliver(batch))
        except TimeoutError:
            return [OutcomeUnknown(f"no answer within {self._policy.timeout_s:g} s")] * len(batch)
        except Rejected as error:
            if len(batch) == 1:
                return [error]
            half = len(batch) // 2
            return [*await self._deliver(batch[:half]), *await self._deliver(batch[half:])]
        except DestinationError as error:
            return [error] * len(batch)
        except NotSent as error:
            return [Retryable(str(error))] * len(batch)
        except EgressRefused as error:
            # a setting is wrong, or a name resolves oddly: the whole lane waits, with the reason where people look
            return [Retryable(str(error), after_s=ADDRESS_REST_S)] * len(batch)
        except ReplyLost as error:
            return [OutcomeUnknown(str(error))] * len(batch)
        if isinstance(receipts, Crashed):
            self._tools.observer.crashed(self.name, receipts.error)
            return [OutcomeUnknown(f"the connector failed ({type(receipts.error).__name__})")] * len(batch)
        if len(receipts) != len(batch):
            return [OutcomeUnknown(f"the connector gave {len(receipts)} receipts for {len(batch)}")] * len(batch)
        return receipts

    def _conclude(self, claimed: ClaimedDelivery, receipt: Receipt, started_at: Instant) -> LaneEffect:
        now = self._tools.clock.now()
        ended = Try(
            started_at=started_at,
            ended_at=now,
            failure=None if isinstance(receipt, Delivered) else receipt,
            status=receipt.status,
            note=receipt.note if isinstance(receipt, Delivered) else None,
            chance=self._tools.chance.random(),
        )
        settlement, effect = settle(claimed.delivery, ended, self._policy.retry)
        self._settlements.append(settlement)
        if effect.pause is not None:
            self._pauses_due.append(effect)
        self._tools.observer.attempted(claimed, settlement)
        return effect

    def _note_availability(self, is_available: bool) -> None:
        """One call is one try for the breaker, however many deliveries it carried."""
        now = self._tools.clock.now()
        before = self.breaker.state
        if is_available:
            self.breaker.succeeded(now)
        else:
            self.breaker.failed(now)
        if before != "closed" and self.breaker.state == "closed":
            self._is_back = True
        if before != self.breaker.state:
            self._tools.observer.lane_changed(self._policy.destination, f"breaker:{self.breaker.state}", "")
