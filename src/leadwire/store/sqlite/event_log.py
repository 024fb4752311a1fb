"""The event log on SQLite."""

import json
from collections.abc import Sequence

import msgspec

from leadwire.model.event import EventState, NewEvent, RawRequest, StoredEvent
from leadwire.model.times import Instant
from leadwire.ports.event_log import SourceTally
from leadwire.store.sqlite.committer import Committer, Job
from leadwire.store.sqlite.reader import Reader
from leadwire.store.sqlite.session import Session, Value

BYTES_MAX = (
    16 * 1024 * 1024
)  # of bodies in one answer of `unresolved`, so that a burst of large ones can't fill the memory

_Line = tuple[int, str, EventState, int, int, int, str | None, int, int, int]
_Head = tuple[str, str, tuple[tuple[str, str], ...]]

_encode = msgspec.json.Encoder().encode
_lines = msgspec.json.Decoder(list[_Line]).decode
_head = msgspec.json.Decoder(_Head).decode
_sequences = msgspec.json.Decoder(set[int]).decode
_tallies = msgspec.json.Decoder(list[SourceTally]).decode


class SqliteEventLog:
    """An `EventLog`. An append is one statement, and alone in its group one commit without further ado."""

    def __init__(self, committer: Committer, reader: Reader, last_sequence: int) -> None:
        self._committer = committer
        self._reader = reader
        self._last = last_sequence  # the committer's thread alone counts it on; a group that failed leaves a gap

    async def append(self, events: Sequence[NewEvent], now: Instant) -> Sequence[int | None]:
        if not events:
            return []
        rows, raw = _pack(events)
        count = len(events)

        def work(session: Session) -> list[int | None]:
            base = self._last
            self._last = base + count
            parameters: dict[str, Value] = {"base": base, "rows": rows, "bytes": raw, "now": now}
            if session.change("event_log.append", parameters) == count:
                return list(range(base + 1, base + count + 1))
            stored = _sequences(session.json("event_log.appended", {"base": base, "last": base + count}))
            return [sequence if sequence in stored else None for sequence in range(base + 1, base + count + 1)]

        return await self._committer.run(Job(work, is_single=True, takes_room=True))

    async def unresolved(self, limit: int) -> Sequence[StoredEvent]:
        parameters = {"limit": max(limit, 0), "bytes_max": BYTES_MAX}
        row = await self._committer.read(lambda session: session.row("event_log.unresolved", parameters))
        return _unpack(row)

    async def find(self, sequence: int) -> StoredEvent | None:
        row = await self._reader.read(lambda session: session.row("event_log.find", {"sequence": sequence}))
        return next(iter(_unpack(row)), None)

    async def page(self, state: EventState | None, after: int | None, limit: int) -> Sequence[StoredEvent]:
        where = [f"where_{state}"] if state else []
        where += ["where_after"] if after is not None else []
        parameters = {"after": after, "limit": max(limit, 0)}
        return _unpack(await self._reader.read(lambda session: session.row("event_log.page", parameters, where)))

    async def requeue(self, sequences: Sequence[int], now: Instant) -> int:  # noqa: ARG002 - the port gives it
        parameters = {"sequences": _encode(list(sequences)).decode()}
        return await self._committer.write_one(lambda session: session.change("event_log.requeue", parameters))

    async def tally(self) -> Sequence[SourceTally]:
        return _tallies(await self._reader.read(lambda session: session.json("event_log.tally")))

    async def prune(self, before: Instant, limit: int) -> int:
        parameters = {"before": before, "limit": max(limit, 0)}
        return await self._committer.write_one(lambda session: session.change("event_log.prune", parameters))


def _pack(events: Sequence[NewEvent]) -> tuple[str, bytes]:
    """The events as rows of numbers and one run of bytes that they point into (from 1, as SQLite counts)."""
    rows: list[tuple[str, int, int, int, int, int, int]] = []
    parts: list[bytes] = []
    start = 1
    for event in events:
        request = event.request
        head = _encode_head(request)
        sizes = (len(event.dedup_key), len(head), len(request.query), len(request.body))
        rows.append((event.source, request.received_at, start, *sizes))
        parts += (event.dedup_key, head, request.query, request.body)
        start += sum(sizes)
    return _encode(rows).decode(), b"".join(parts)


def _encode_head(request: RawRequest) -> bytes:
    """Method, path and headers as JSON; text that is no UTF-8 is kept by escapes, as a push must always be storable."""
    head = (request.method, request.path, request.headers)
    try:
        return _encode(head)
    except UnicodeEncodeError:
        return json.dumps(head).encode()


def _decode_head(raw: bytes) -> _Head:
    head: _Head
    try:
        head = _head(raw)
    except msgspec.DecodeError:
        head = msgspec.convert(json.loads(raw), _Head)
    return head


def _unpack(row: tuple[Value, ...] | None) -> list[StoredEvent]:
    """Events from their lines and the run of their bytes."""
    if row is None:
        return []
    text, raw = row
    assert isinstance(text, str)
    assert raw is None or isinstance(raw, bytes)
    events: list[StoredEvent] = []
    start = 0
    for line in _lines(text):
        assert raw is not None
        sequence, source, state, received_at, stored_at, attempts, reason, head_bytes, query_bytes, body_bytes = line
        query_at = start + head_bytes
        body_at = query_at + query_bytes
        end = body_at + body_bytes
        method, path, headers = _decode_head(raw[start:query_at])
        request = RawRequest(
            method=method,
            path=path,
            query=raw[query_at:body_at],
            headers=headers,
            body=raw[body_at:end],
            received_at=received_at,
        )
        events.append(
            StoredEvent(
                sequence=sequence,
                source=source,
                request=request,
                stored_at=stored_at,
                state=state,
                attempts=attempts,
                reason=reason,
            )
        )
        start = end
    return events
