"""Resolve: takes all that waits (stored events, fetched and pulled records) and turns it into leads and deliveries, in one commit."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence

import msgspec

from leadwire.engine.observer import EventParsed, Observer
from leadwire.engine.step import Step
from leadwire.engine.supervisor import Crashed, guard
from leadwire.model.changes import CursorMove, EventDone, FetchDone, Known
from leadwire.model.errors import LeadwireError, PayloadInvalid, StoreBusy, StoreError
from leadwire.model.event import StoredEvent
from leadwire.model.pull import OwedFetch
from leadwire.model.record import Ignored, Parsed, Pointer, Record, Unreadable
from leadwire.model.times import Instant
from leadwire.ports.bell import Bell
from leadwire.ports.event_log import EventLog
from leadwire.ports.lead_book import LeadBook
from leadwire.rules.hygiene import clean
from leadwire.rules.identity import identity_keys
from leadwire.rules.resolution import Incoming, Outcome, Resolution, SourcePolicy
from leadwire.rules.routing import Route
from leadwire.sdk.source import PushSource

EVENTS_MAX = 256  # a step's work is done in one go on the event loop: everything else waits for it
RECORDS_MAX = 200
REPEATS_MAX = 5
LOOK_EVERY_S = 5.0


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """Records that were fetched or pulled, with what is settled by storing them."""

    incoming: Sequence[Incoming]
    fetched: Sequence[FetchDone] = ()
    cursor: CursorMove | None = None


class _Work:
    """What one step works on."""

    def __init__(self) -> None:
        self.incoming: list[Incoming] = []
        self.events: list[EventDone] = []
        self.fetches: list[OwedFetch] = []
        self.fetched: list[FetchDone] = []
        self.cursor: CursorMove | None = None
        self.notes: list[EventParsed] = []


class ResolveRules(msgspec.Struct, frozen=True, kw_only=True):
    """How records become leads here: per source, and per route."""

    policies: Mapping[str, SourcePolicy]
    routes: Sequence[Route]
    new_id: Callable[[], str]


class Resolve:
    """The only way into the lead book. One step at a time, so that records of one person never race in this process."""

    name = "resolve"
    topic = "events"

    def __init__(
        self,
        events: EventLog,
        leads: LeadBook,
        sources: Mapping[str, object],
        rules: ResolveRules,
        bell: Bell,
        observer: Observer,
    ) -> None:
        self._events = events
        self._leads = leads
        self._sources = {name: source for name, source in sources.items() if isinstance(source, PushSource)}
        self._rules = rules
        self._bell = bell
        self._observer = observer
        self._waiting: deque[tuple[Batch, asyncio.Future[None]]] = deque()

    async def submit(self, batch: Batch) -> None:
        """Returns when the batch is stored; raises StoreError where it was not."""
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((batch, stored))
        self._bell.ring(self.topic)
        await stored

    async def run_once(self, now: Instant) -> Step:
        """Works off everything that waits, up to the maximum of one step."""
        batches = self._take_batches()
        try:
            events = await self._events.unresolved(EVENTS_MAX)
            if not batches and not events:
                return Step(rest_s=LOOK_EVERY_S)
            work = _Work()
            for event in events:
                await self._unpack(event, work, now)
            for batch, _ in batches:
                work.incoming += batch.incoming
                work.fetched += batch.fetched
                work.cursor = batch.cursor or work.cursor
            outcome = await self._store(work, now)
        except (StoreError, asyncio.CancelledError) as error:
            _answer(batches, error if isinstance(error, StoreError) else StoreError("stopped before it was stored"))
            raise
        _answer(batches, None)
        self._tell(work, outcome, now)
        return Step(
            done=len(batches) + len(events),
            rest_s=LOOK_EVERY_S,
            is_through=len(events) < EVENTS_MAX and not self._waiting,
        )

    async def drain(self) -> None:
        """Tells whoever still waits that their batch was not stored; it is owed and comes again."""
        _answer(list(self._waiting), StoreError("stopped before it was stored"))
        self._waiting.clear()

    def _take_batches(self) -> list[tuple[Batch, asyncio.Future[None]]]:
        taken: list[tuple[Batch, asyncio.Future[None]]] = []
        records = 0
        while self._waiting and records < RECORDS_MAX:
            if self._waiting[0][0].cursor is not None and any(batch.cursor for batch, _ in taken):
                break  # one cursor per commit
            taken.append(self._waiting.popleft())
            records += len(taken[-1][0].incoming)
        return taken

    async def _unpack(self, event: StoredEvent, work: _Work, now: Instant) -> None:
        """Takes an event apart. Whatever can be read goes on; what can't quarantines the event with its reason."""
        parsed, failure = await self._parse(event)
        reasons = [failure] if failure else []
        counts = {Record: 0, Pointer: 0, Ignored: 0}
        for part in parsed:
            match part:
                case Record():
                    work.incoming.append(_incoming(event, part))
                case Pointer():
                    work.fetches.append(_owed(event, part, now))
                case Unreadable(reason=reason):
                    reasons.append(reason)
                    continue
                case Ignored():
                    pass
            counts[type(part)] += 1
        why = "; ".join(dict.fromkeys(reasons))[:500] or None
        done = EventDone(sequence=event.sequence, state="quarantined" if why else "resolved", reason=why)
        work.events.append(done)
        work.notes.append(
            EventParsed(
                source=event.source,
                sequence=event.sequence,
                records=counts[Record],
                pointers=counts[Pointer],
                ignored=counts[Ignored],
                reason=why,
            )
        )

    async def _parse(self, event: StoredEvent) -> tuple[list[Parsed], str | None]:
        source = self._sources.get(event.source)
        if source is None:
            return [], f"the source {event.source} is no longer configured: add it again, then replay this event"
        parts: list[Parsed] = []

        async def parse() -> None:
            for part in source.parse(event.request):
                parts.append(clean(part) if isinstance(part, Record) else part)  # noqa: PERF401 - keep what came before an error

        try:
            result = await guard(parse())
        except PayloadInvalid as error:
            return parts, str(error)
        except LeadwireError as error:
            return parts, f"{type(error).__name__}: {error}"
        if isinstance(result, Crashed):
            return parts, f"the connector could not read it ({type(result.error).__name__})"
        return parts, None

    async def _store(self, work: _Work, now: Instant) -> Outcome:
        keys = {key for item in work.incoming for key in identity_keys(item.record, self._policy(item.source).identity)}
        for repeat in range(REPEATS_MAX):
            known = Known()
            if work.incoming:
                known = await self._leads.known([item.key for item in work.incoming], sorted(keys))
            resolution = Resolution(known, self._rules.policies, self._rules.routes, self._rules.new_id, now)
            for item in work.incoming:
                resolution.take(item)
            outcome = resolution.outcome()
            absorption = msgspec.structs.replace(
                outcome.absorption,
                events=work.events,
                fetches=work.fetches,
                fetched=work.fetched,
                cursor=work.cursor,
            )
            try:
                await self._leads.absorb(absorption, now)
            except StoreBusy:
                if repeat == REPEATS_MAX - 1:
                    raise
                continue
            return outcome
        raise StoreBusy

    def _policy(self, source: str) -> SourcePolicy:
        return self._rules.policies.get(source, SourcePolicy())

    def _tell(self, work: _Work, outcome: Outcome, now: Instant) -> None:
        for note in work.notes:
            self._observer.parsed(note)
        changes = outcome.absorption.records
        self._observer.resolved(outcome, [change.record.received_at for change in changes if not change.previous], now)
        for source in dict.fromkeys(fetch.source for fetch in work.fetches):
            self._bell.ring(f"fetches:{source}")
        for destination in dict.fromkeys(delivery.destination for delivery in outcome.absorption.deliveries):
            self._bell.ring(f"deliveries:{destination}")
        if outcome.changed_leads:
            self._bell.ring("leads", tuple(outcome.changed_leads))


def _answer(batches: Sequence[tuple[Batch, asyncio.Future[None]]], error: StoreError | None) -> None:
    for _, stored in batches:
        if stored.done():
            continue
        if error is None:
            stored.set_result(None)
        else:
            stored.set_exception(error)


def _incoming(event: StoredEvent, record: Record) -> Incoming:
    return Incoming(
        source=event.source,
        via="webhook",
        received_at=event.request.received_at,
        record=record,
        event_sequence=event.sequence,
    )


def _owed(event: StoredEvent, pointer: Pointer, now: Instant) -> OwedFetch:
    return OwedFetch(
        source=event.source,
        native_id=pointer.native_id,
        scope=pointer.scope,
        received_at=event.request.received_at,
        not_before=now,
        occurred_at=pointer.occurred_at,
        context=pointer.context,
        state="parked" if pointer.blocked else "pending",
        reason=pointer.blocked,
        event_sequence=event.sequence,
        updated_at=now,
    )
