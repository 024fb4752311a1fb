"""The sales desk on SQLite."""

from collections.abc import Sequence

import msgspec

from leadwire.model.lead import DeskEntry, DeskState
from leadwire.model.times import Instant
from leadwire.ports.desk import DeskQuery
from leadwire.store.sqlite.absorbing import as_json
from leadwire.store.sqlite.committer import Committer
from leadwire.store.sqlite.reader import Reader
from leadwire.store.sqlite.searching import choose, match_query
from leadwire.store.sqlite.session import Session, Value

_entries = msgspec.json.Decoder(list[DeskEntry]).decode
_counts = msgspec.json.Decoder(dict[DeskState, int]).decode


class SqliteDesk:
    """A `Desk`. Every claim is one conditional UPDATE and a look at the row count."""

    def __init__(self, committer: Committer, reader: Reader) -> None:
        self._committer = committer
        self._reader = reader

    async def page(self, query: DeskQuery) -> Sequence[DeskEntry]:
        words = match_query(query.text)
        received_at, lead_id = query.before or (None, None)
        parameters: dict[str, Value] = {
            "words": words,
            "source": query.source,
            "claimed_by": query.claimed_by,
            "received_at": received_at,
            "id": lead_id,
            "limit": max(query.limit, 0),
        }
        asked = {"claimed_by": query.claimed_by, "before": query.before, query.state or "new": query.state}
        where = [f"where_{name}" for name, value in asked.items() if value is not None]
        is_worked = query.claimed_by is not None or query.state in ("claimed", "contacted")

        def work(session: Session) -> str:
            otherwise = "by_state" if is_worked else "by_place"
            chosen = choose(session, "desk", words, query.source, otherwise=otherwise)
            return session.json("desk.page", parameters, [*where, *chosen])

        return _entries(await self._reader.read(work))

    async def entries(self, lead_ids: Sequence[str]) -> Sequence[DeskEntry]:
        ids = as_json(list(dict.fromkeys(lead_ids)))
        return _entries(await self._reader.read(lambda session: session.json("desk.entries", {"ids": ids})))

    async def claim(self, lead_id: str, user: str, now: Instant) -> bool:
        return await self._change("desk.claim", {"lead_id": lead_id, "user": user, "now": now})

    async def release(self, lead_id: str, user: str, now: Instant) -> bool:  # noqa: ARG002 - the port gives it
        return await self._change("desk.release", {"lead_id": lead_id, "user": user})

    async def contact(self, lead_id: str, user: str, now: Instant) -> bool:
        return await self._change("desk.contact", {"lead_id": lead_id, "user": user, "now": now})

    async def open(self, lead_id: str, now: Instant) -> None:
        await self._change("desk.open", {"lead_id": lead_id, "now": now})

    async def counts(self) -> dict[DeskState, int]:
        return _counts(await self._reader.read(lambda session: session.json("desk.counts")))

    async def _change(self, name: str, parameters: dict[str, Value]) -> bool:
        return await self._committer.write_one(lambda session: session.change(name, parameters)) > 0
