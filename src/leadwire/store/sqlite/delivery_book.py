"""What people ask of deliveries, on SQLite."""

from collections.abc import Sequence

import msgspec

from leadwire.model.delivery import Attempt, OwedDelivery
from leadwire.model.times import Instant
from leadwire.ports.delivery_queue import DeliveryFilter, LaneTally
from leadwire.store.sqlite.absorbing import as_json
from leadwire.store.sqlite.committer import Committer
from leadwire.store.sqlite.reader import Reader
from leadwire.store.sqlite.session import Session, Value

_deliveries = msgspec.json.Decoder(list[OwedDelivery]).decode
_attempts = msgspec.json.Decoder(list[Attempt]).decode
_tallies = msgspec.json.Decoder(list[LaneTally]).decode


# States of which few rows stand among all: their own index leads, and what it finds is sorted.
_INDEXES = {"pending": "by_pending", "leased": "by_leased", "superseded": "by_ended", "cancelled": "by_ended"}


class SqliteDeliveryBook:
    """A `DeliveryBook`."""

    def __init__(self, committer: Committer, reader: Reader) -> None:
        self._committer = committer
        self._reader = reader

    async def page(self, which: DeliveryFilter, after: str | None, limit: int) -> Sequence[OwedDelivery]:
        where, parameters = _filter(which)
        if which.ids is None and which.lead_id is None and which.state in _INDEXES:
            where.append(_INDEXES[which.state])
        if after is not None:
            where.append("where_after")
            parameters["after"] = after
        parameters["limit"] = max(limit, 0)
        return _deliveries(
            await self._reader.read(lambda session: session.json("delivery_book.page", parameters, where))
        )

    async def attempts(self, delivery_ids: Sequence[str]) -> Sequence[Attempt]:
        ids = as_json(list(dict.fromkeys(delivery_ids)))
        return _attempts(await self._reader.read(lambda session: session.json("delivery_book.attempts", {"ids": ids})))

    async def replay(self, which: DeliveryFilter, now: Instant, *, dry_run: bool) -> int:
        where, asked = _filter(which)
        if which.state is None:
            where.append("where_ended")
        elif which.state not in ("dead", "delivered"):
            return 0

        def work(session: Session) -> int:
            row = session.row("delivery_book.replayable", asked, where)
            assert row is not None
            replayed, overtaken, count = row
            assert isinstance(count, int)
            if not dry_run:
                session.change("delivery_book.supersede", {"numbers": overtaken, "now": now})
                session.change("delivery_book.replay", {"numbers": replayed, "now": now})
            return count

        return await (self._reader.read(work) if dry_run else self._committer.write(work))

    async def drop(self, which: DeliveryFilter, reason: str, now: Instant) -> int:
        if which.state not in (None, "dead"):
            return 0
        where, parameters = _filter(msgspec.structs.replace(which, state="dead"))
        parameters |= {"reason": reason, "now": now}
        return await self._committer.write_one(lambda session: session.change("delivery_book.drop", parameters, where))

    async def tally(self, now: Instant) -> Sequence[LaneTally]:  # noqa: ARG002 - the port gives it
        return _tallies(await self._reader.read(lambda session: session.json("delivery_book.tally")))

    async def prune(self, before: Instant, limit: int) -> int:
        def work(session: Session) -> int:
            row = session.row("delivery_book.prunable", {"before": before, "limit": max(limit, 0)})
            assert row is not None
            numbers, ids, count = row
            assert isinstance(count, int)
            if count:
                session.change("delivery_book.prune_attempts", {"ids": ids})
                session.change("delivery_book.prune_documents", {"numbers": numbers})
                session.change("delivery_book.prune", {"numbers": numbers})
            return count

        return await self._committer.write(work)


def _filter(which: DeliveryFilter) -> tuple[list[str], dict[str, Value]]:
    """The fragments of a filter and their parameters."""
    parameters: dict[str, Value] = {
        "destination": which.destination,
        "sync": which.sync,
        "lead_id": which.lead_id,
        "ids": None if which.ids is None else as_json(list(which.ids)),
    }
    where = [f"where_{name}" for name, value in parameters.items() if value is not None]
    if which.state is not None:
        where.append(f"where_{which.state}")
    return where, parameters
