"""Growth: what a lead costs on a ledger that holds N of them, beside one that holds ten thousand. Also fills ledgers."""

import asyncio
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from leadwire.engine.clock import SystemClock, id_maker
from leadwire.model.changes import EventDone
from leadwire.model.delivery import Attempt, Settlement
from leadwire.model.event import NewEvent, RawRequest
from leadwire.model.record import Record
from leadwire.model.times import MINUTE, SECOND, Instant
from leadwire.ports.delivery_queue import DeliveryClaim
from leadwire.rules.identity import IdentityPolicy, identity_keys
from leadwire.rules.mapping import Mapping
from leadwire.rules.resolution import Incoming, Resolution, SourcePolicy
from leadwire.rules.routing import Route
from leadwire.simulators.people import person
from leadwire.store.sqlite import SqliteLedger, open_ledger

STEP = 500
MEASURED = 5_000
SMALL = 10_000
TURNS = 3
POLICY = SourcePolicy(identity=IdentityPolicy(region="IN"))
ROUTES = (Route(sync="crm", destination="crm", sources=frozenset({"meta"}), mapping=Mapping.compile(None, None)),)


class Mill:
    """Puts leads through a ledger's verbs as the engine does, without the network: stored, resolved, claimed, delivered."""

    def __init__(self, ledger: SqliteLedger, first: int) -> None:
        self._ledger = ledger
        self._clock = SystemClock()
        self._random = Random(first)
        self._new_id = id_maker(self._clock, self._random)
        self._next = first

    async def put(self, count: int) -> None:
        """Brings that many new leads to their end."""
        for step in _steps(count):
            now = self._clock.now()
            people = range(self._next, self._next + step)
            self._next += step
            sequences = await self._ledger.events.append([_event(number, now) for number in people], now)
            incoming = [
                Incoming(source="meta", via="webhook", received_at=now, record=self._record(number, now))
                for number in people
            ]
            await self._resolve(incoming, [sequence for sequence in sequences if sequence is not None], now)
            await self._deliver(step)

    def _record(self, number: int, now: Instant) -> Record:
        who = person(self._random, number)
        return Record(
            native_id=str(number),
            kind="form",
            occurred_at=now - SECOND,
            full_name=who.full_name,
            phone=who.phone,
            email=who.email,
            city=who.city,
            answers={"when_do_you_want_to_start?": ["this month"]},
        )

    async def _resolve(self, incoming: Sequence[Incoming], sequences: Sequence[int], now: Instant) -> None:
        keys = {key for item in incoming for key in identity_keys(item.record, POLICY.identity)}
        known = await self._ledger.leads.known([item.key for item in incoming], sorted(keys))
        resolution = Resolution(known, {"meta": POLICY}, ROUTES, self._new_id, now)
        for item in incoming:
            resolution.take(item)
        done = [EventDone(sequence=sequence) for sequence in sequences]
        await self._ledger.leads.absorb(msgspec.structs.replace(resolution.outcome().absorption, events=done), now)

    async def _deliver(self, count: int) -> None:
        left = count
        while left > 0:
            now = self._clock.now()
            claim = DeliveryClaim(
                destination="crm",
                limit=count,
                fresh=0,
                fresh_since=now - 10 * MINUTE,
                now=now,
                lease_until=now + MINUTE,
                owner="bench",
            )
            claimed = await self._ledger.deliveries.claim(claim)
            if not claimed:
                return
            left -= len(claimed)
            await self._ledger.deliveries.settle(
                [_settled(one.delivery.id, one.delivery.epoch, now) for one in claimed], now
            )


def _settled(delivery_id: str, epoch: int, now: Instant) -> Settlement:
    return Settlement(
        delivery_id=delivery_id,
        epoch=epoch,
        state="delivered",
        not_before=now,
        attempt=Attempt(
            delivery_id=delivery_id, number=1, started_at=now, duration_us=900, outcome="delivered", status=201
        ),
    )


def _event(number: int, now: Instant) -> NewEvent:
    body = json.dumps({"object": "page", "entry": [{"id": "1", "changes": [{"value": {"leadgen_id": str(number)}}]}]})
    request = RawRequest(
        method="POST", path="/webhooks/meta", query=b"", headers=(), body=body.encode(), received_at=now
    )
    return NewEvent(source="meta", dedup_key=number.to_bytes(16, "big"), request=request)


def _steps(count: int) -> Iterator[int]:
    for start in range(0, count, STEP):
        yield min(STEP, count - start)


def fill(path: Path, leads: int) -> None:
    """Makes a ledger that holds so many delivered leads."""

    async def whole() -> None:
        ledger = await open_ledger(path, clock_now=SystemClock().now)
        try:
            await Mill(ledger, 1).put(leads)
        finally:
            await ledger.close()

    asyncio.run(whole())


async def _measure(path: Path, first: int) -> float:
    """Microseconds per lead for the next few thousand."""
    ledger = await open_ledger(path, clock_now=SystemClock().now)
    try:
        mill = Mill(ledger, first)
        started_s = time.perf_counter()
        await mill.put(MEASURED)
        return (time.perf_counter() - started_s) / MEASURED * 1e6
    finally:
        await ledger.close()


def growth(folder: Path, stored: int) -> dict[str, Any]:
    """The cost of a lead at 10,000 stored and at `stored`, measured in turns; the best of each, for others use the machine too."""
    costs: dict[int, list[float]] = {SMALL: [], stored: []}
    for count in costs:
        fill(folder / f"growth{count}.db", count)
    for turn in range(TURNS):
        for count, found in costs.items():
            found.append(asyncio.run(_measure(folder / f"growth{count}.db", count + turn * MEASURED + 1)))
    small, large = min(costs[SMALL]), min(costs[stored])
    return {
        "stored": stored,
        "small_us": round(small, 1),
        "large_us": round(large, 1),
        "ratio": round(large / small, 3),
        "file_mb": round((folder / f"growth{stored}.db").stat().st_size / 1e6, 1),
    }
