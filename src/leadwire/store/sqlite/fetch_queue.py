"""The fetch queue on SQLite."""

from collections.abc import Sequence

import msgspec

from leadwire.model.pull import FetchSettlement, FetchState, OwedFetch
from leadwire.model.times import Instant
from leadwire.ports.fetch_queue import FetchClaim, FetchTally
from leadwire.store.sqlite.absorbing import as_json
from leadwire.store.sqlite.committer import Committer
from leadwire.store.sqlite.reader import Reader
from leadwire.store.sqlite.session import Session, Value, bind

_fetches = msgspec.json.Decoder(list[OwedFetch]).decode
_tallies = msgspec.json.Decoder(list[FetchTally]).decode


class SqliteFetchQueue:
    """A `FetchQueue`."""

    def __init__(self, committer: Committer, reader: Reader) -> None:
        self._committer = committer
        self._reader = reader

    async def claim(self, claim: FetchClaim) -> Sequence[OwedFetch]:
        asked: dict[str, Value] = {
            "source": claim.source,
            "now": claim.now,
            "limit": max(claim.limit, 0),
            "paused_scopes": as_json(list(claim.paused_scopes)),
        }

        def work(session: Session) -> str:
            row = session.row("fetch_queue.pick", asked)
            assert row is not None
            fetches, numbers = row
            assert isinstance(fetches, str)
            if numbers != "[]":
                lease: dict[str, Value] = {
                    "numbers": numbers,
                    "lease_until": claim.lease_until,
                    "owner": claim.owner,
                    "now": claim.now,
                }
                session.change("fetch_queue.lease", lease)
            return fetches

        return _fetches(await self._committer.write(work))

    async def settle(self, settlements: Sequence[FetchSettlement], now: Instant) -> int:
        if not settlements:
            return 0
        firsts = {(one.source, one.native_id, one.epoch): one for one in reversed(settlements)}
        parameters = bind(rows=as_json(list(firsts.values())), now=now)
        settled = await self._committer.write_one(lambda session: session.change("fetch_queue.settle", parameters))
        return len(settlements) - settled

    async def rescue(self, now: Instant, *, owner_is_alone: bool) -> int:
        parameters = {"now": now, "owner_is_alone": int(owner_is_alone)}
        return await self._committer.write_one(lambda session: session.change("fetch_queue.rescue", parameters))

    async def requeue(self, source: str, native_ids: Sequence[str], scopes: Sequence[str], now: Instant) -> int:
        parameters: dict[str, Value] = {
            "source": source,
            "native_ids": as_json(list(native_ids)),
            "scopes": as_json(list(scopes)),
            "now": now,
        }
        return await self._committer.write_one(lambda session: session.change("fetch_queue.requeue", parameters))

    async def hasten(self, source: str, scopes: Sequence[str], now: Instant) -> int:
        parameters: dict[str, Value] = {"source": source, "scopes": as_json(list(scopes)), "now": now}
        return await self._committer.write_one(lambda session: session.change("fetch_queue.hasten", parameters))

    async def page(
        self, state: FetchState | None, source: str | None, after: str | None, limit: int
    ) -> Sequence[OwedFetch]:
        after_source, _, after_native_id = (after or "").partition("/")
        parameters: dict[str, Value] = {
            "source": source,
            "after_source": after_source,
            "after_native_id": after_native_id,
            "limit": max(limit, 0),
        }
        where = [f"where_{state}"] if state else []
        where.append("by_age" if state in (None, "done") else f"by_{state}")
        where += ["where_source"] if source is not None else []
        where += ["where_after"] if after is not None else []
        return _fetches(await self._reader.read(lambda session: session.json("fetch_queue.page", parameters, where)))

    async def next_due(self, source: str) -> Instant | None:
        return await self._committer.read(lambda session: session.number("fetch_queue.next_due", {"source": source}))

    async def tally(self, now: Instant) -> Sequence[FetchTally]:  # noqa: ARG002 - the port gives it
        return _tallies(await self._reader.read(lambda session: session.json("fetch_queue.tally")))
