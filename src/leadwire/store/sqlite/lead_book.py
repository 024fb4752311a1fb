"""The lead book on SQLite."""

from collections.abc import Sequence

import msgspec

from leadwire.model.lead import Lead, Merge
from leadwire.model.record import RecordKey, StoredRecord
from leadwire.model.times import Instant
from leadwire.ports.lead_book import Absorption, CursorMove, Known, LeadQuery
from leadwire.store.sqlite.absorbing import Absorbing, as_json
from leadwire.store.sqlite.committer import Committer, Job
from leadwire.store.sqlite.reader import Reader
from leadwire.store.sqlite.searching import choose, is_few, match_query
from leadwire.store.sqlite.session import Session, Value

_known = msgspec.json.Decoder(Known).decode
_lead = msgspec.json.Decoder(Lead).decode
_leads = msgspec.json.Decoder(list[Lead]).decode
_records = msgspec.json.Decoder(list[StoredRecord]).decode
_merges = msgspec.json.Decoder(list[Merge]).decode
_cursors = msgspec.json.Decoder(list[CursorMove]).decode
_names = msgspec.json.Decoder(list[str]).decode
_ERASING = (
    "erase_events",
    "erase_contexts",
    "erase_records",
    "erase_keys",
    "erase_words",
    "erase_documents",
    "erase_deliveries",
    "erase_leads",
)


class SqliteLeadBook:
    """A `LeadBook`. `lanes` are the destinations that are known to the ledger already."""

    def __init__(self, committer: Committer, reader: Reader, last_record: int, lanes: set[str]) -> None:
        self._committer = committer
        self._reader = reader
        self._last_record = last_record  # the committer's thread alone counts it on; a group that failed leaves a gap
        self._lanes = lanes

    async def known(self, records: Sequence[RecordKey], keys: Sequence[str]) -> Known:
        parameters = {"records": as_json(list(records)), "keys": as_json(list(keys))}
        row = await self._committer.read(lambda session: session.row("lead_book.known", parameters))
        assert row is not None
        leads, records_found, owners, held = map(str, row)
        return _known(f'{{"leads":{leads},"records":{records_found},"owners":{owners},"keys":{held}}}')

    async def absorb(self, absorption: Absorption, now: Instant) -> None:
        absorbing = Absorbing(absorption, now)

        def work(session: Session) -> set[str]:
            base = self._last_record
            self._last_record = base + absorbing.records_new
            new_lanes = absorbing.destinations - self._lanes
            if new_lanes:
                session.change("lead_book.add_lanes", {"rows": as_json(sorted(new_lanes))})
            absorbing.store(session, base)
            return new_lanes

        self._lanes |= await self._committer.write(work)

    async def lead(self, lead_id: str) -> Lead | None:
        text = await self._reader.read(lambda session: session.text("lead_book.lead", {"lead_id": lead_id}))
        return None if text is None else _lead(text)

    async def records(self, lead_id: str) -> Sequence[StoredRecord]:
        return _records(
            await self._reader.read(lambda session: session.json("lead_book.records", {"lead_id": lead_id}))
        )

    async def merges(self, lead_id: str) -> Sequence[Merge]:
        return _merges(await self._reader.read(lambda session: session.json("lead_book.merges", {"lead_id": lead_id})))

    async def page(self, query: LeadQuery) -> Sequence[Lead]:
        words = match_query(query.text)
        parameters: dict[str, Value] = {
            "words": words,
            "source": query.source,
            "since": query.since,
            "after": query.after,
            "limit": max(query.limit, 0),
        }
        where = ["where_since"] if query.since is not None else []
        where += ["where_after"] if query.after is not None else []

        def work(session: Session) -> str:
            chosen = [*where, *choose(session, "lead_book", words, query.source, otherwise="by_id")]
            if query.since is not None and words is None:
                few = is_few(session, "lead_book.count_updated", {"since": query.since})
                chosen = [name for name in chosen if name != "by_id"] + ["by_update" if few else "by_id"]
            return session.json("lead_book.page", parameters, chosen)

        return _leads(await self._reader.read(work))

    async def erase(self, lead_id: str, now: Instant) -> bool:
        def work(session: Session) -> bool:
            ids = session.json("lead_book.erased", {"lead_id": lead_id})
            if not _names(ids):
                return False
            for step in _ERASING:
                parameters: dict[str, Value] = {"ids": ids}
                if step == "erase_deliveries":
                    parameters["now"] = now
                session.change(f"lead_book.{step}", parameters)
            return True

        return await self._committer.run(Job(work, is_single=False, leaves_nothing=True))

    async def cursors(self) -> Sequence[CursorMove]:
        return _cursors(await self._reader.read(lambda session: session.json("lead_book.cursors")))
