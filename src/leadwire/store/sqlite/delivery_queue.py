"""The delivery queue on SQLite."""

from collections.abc import Sequence

import msgspec

from leadwire.model.delivery import ClaimedDelivery, Settlement
from leadwire.model.times import Instant
from leadwire.ports.delivery_queue import DeliveryClaim
from leadwire.store.sqlite.absorbing import as_json
from leadwire.store.sqlite.committer import Committer
from leadwire.store.sqlite.session import Session, Value, bind

LOST = "the lease ran out before an outcome was stored"

_claimed = msgspec.json.Decoder(list[ClaimedDelivery]).decode
_names = msgspec.json.Decoder(list[str]).decode


class SqliteDeliveryQueue:
    """A `DeliveryQueue`."""

    def __init__(self, committer: Committer) -> None:
        self._committer = committer

    async def claim(self, claim: DeliveryClaim) -> Sequence[ClaimedDelivery]:
        asked: dict[str, Value] = {
            "destination": claim.destination,
            "limit": max(claim.limit, 0),
            "fresh": max(claim.fresh, 0),
            "fresh_since": claim.fresh_since,
            "now": claim.now,
            "lease_until": claim.lease_until,
            "owner": claim.owner,
        }

        def work(session: Session) -> str:
            row = session.row("delivery_queue.pick", asked)
            assert row is not None
            deliveries, numbers = row
            assert isinstance(deliveries, str)
            if numbers != "[]":
                lease: dict[str, Value] = {
                    "numbers": numbers,
                    "lease_until": claim.lease_until,
                    "owner": claim.owner,
                    "now": claim.now,
                }
                session.change("delivery_queue.lease", lease)
            return deliveries

        return _claimed(await self._committer.write(work))

    async def settle(self, settlements: Sequence[Settlement], now: Instant) -> Sequence[str]:
        if not settlements:
            return []
        firsts = {(one.delivery_id, one.epoch): one for one in reversed(settlements)}
        repeated = [one.delivery_id for one in settlements if firsts[one.delivery_id, one.epoch] is not one]
        rows = as_json(list(firsts.values()))
        tried = as_json([one for one in firsts.values() if one.attempt is not None])
        waiting = as_json([one.delivery_id for one in firsts.values() if one.state == "pending"])
        arrived = as_json([one.delivery_id for one in firsts.values() if one.state == "delivered"])

        def work(session: Session) -> list[str]:
            refused = session.json("delivery_queue.refused", {"rows": rows})
            if tried != "[]":
                session.change("delivery_queue.note_attempts", {"rows": tried})
            session.change("delivery_queue.settle", {"rows": rows, "now": now})
            if waiting != "[]":
                session.change("delivery_queue.end_needless", {"ids": waiting})
            if arrived != "[]":
                session.change("delivery_queue.note_lanes", {"ids": arrived, "now": now})
            return _names(refused)

        return [*await self._committer.write(work), *repeated]

    async def rescue(self, now: Instant, *, owner_is_alone: bool) -> int:
        def work(session: Session) -> int:
            ids = session.json("delivery_queue.lost", {"now": now, "owner_is_alone": int(owner_is_alone)})
            if ids == "[]":
                return 0
            parameters: dict[str, Value] = {"ids": ids, "now": now, "reason": LOST}
            session.change("delivery_queue.note_lost", parameters)
            count = session.change("delivery_queue.take_back", parameters)
            session.change("delivery_queue.end_needless", {"ids": ids})
            return count

        return await self._committer.write(work)

    async def hasten(self, destination: str, now: Instant) -> int:
        parameters = bind(destination=destination, now=now)
        return await self._committer.write_one(lambda session: session.change("delivery_queue.hasten", parameters))

    async def next_due(self, destination: str) -> Instant | None:
        return await self._committer.read(
            lambda session: session.number("delivery_queue.next_due", {"destination": destination})
        )
