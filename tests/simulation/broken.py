"""Engines that are broken on purpose, each as little as possible: mistakes that real integrations make. The auditor must catch all."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import Literal

import msgspec

from leadwire.connectors.meta_lead_ads.source import MetaLeadAds
from leadwire.engine.assembly import Engine, EngineSetup
from leadwire.model.event import NewEvent
from leadwire.sdk import (
    Cursor,
    Delivered,
    Delivery,
    Destination,
    DoorAnswer,
    Ignored,
    NotYetReadable,
    Page,
    Parsed,
    Pointer,
    PullSource,
    PushSource,
    RawRequest,
    Receipt,
    Record,
    Rejected,
    Retryable,
    SourceAuthBroken,
    SourceError,
    SourceRefused,
    SourceUnavailable,
    read_json,
)
from leadwire.testing.virtual_time import START
from leadwire.web.doors import Accepting
from simulation.broken_ledgers import (
    EventBeforeRecords,
    ForgetsPauses,
    HidesAttempts,
    MergesTheLeadOnly,
    NoRescue,
    OverwritesVersions,
    WritesLocalTime,
)
from simulation.pulled import PulledSource
from simulation.variant import Variant

_background: set["asyncio.Task[object]"] = set()


def _behind(work: "asyncio.Task[object]") -> None:
    """Lets it run without anybody waiting for it; whatever comes of it is lost, as it is in the code this stands for."""
    _background.add(work)
    work.add_done_callback(_background.discard)
    work.add_done_callback(lambda ended: ended.cancelled() or ended.exception())


class _Push:
    """A push source with its parts, to be changed one at a time."""

    def __init__(self, inner: PushSource) -> None:
        self.inner = inner

    def verify(self, request: RawRequest) -> None:
        self.inner.verify(request)

    def parse(self, request: RawRequest) -> Iterable[Parsed]:
        return self.inner.parse(request)


class _Meta(_Push):
    """The same for Meta's."""

    def __init__(self, inner: MetaLeadAds) -> None:
        super().__init__(inner)
        self.meta = inner
        self.fetch_batch_max = inner.fetch_batch_max
        self.scopes = inner.scopes

    def handshake(self, request: RawRequest) -> DoorAnswer | None:
        return self.meta.handshake(request)

    async def fetch(self, pointers: Sequence[Pointer]) -> Sequence[Record | SourceError]:
        return await self.meta.fetch(pointers)


class _Sends:
    """A destination of which every delivery may be changed on its way in, and every receipt on its way out."""

    def __init__(
        self,
        inner: Destination,
        before: Callable[[Delivery], Delivery] = lambda delivery: delivery,
        after: Callable[[Delivery, Receipt], Receipt] = lambda _delivery, receipt: receipt,
    ) -> None:
        self.inner = inner
        self.before = before
        self.after = after

    async def deliver(self, batch: Sequence[Delivery]) -> Sequence[Receipt]:
        receipts = await self.inner.deliver([self.before(delivery) for delivery in batch])
        return [self.after(delivery, receipt) for delivery, receipt in zip(batch, receipts, strict=True)]


class AcknowledgesFirst(Variant):
    """Answers 200, then stores."""

    expected = frozenset({"too early"})

    def intake(self, intake: Accepting) -> Accepting:
        class Eager:
            async def accept(self, event: NewEvent) -> Literal["stored", "duplicate"]:
                _behind(asyncio.create_task(intake.accept(event)))
                return "stored"

        return Eager()


class NoIdentityOfItsOwn(Variant):
    """Gives each call an id of its own instead of the source's: every repeat of a push is a new enquiry."""

    expected = frozenset({"ghost"})

    def source(self, name: str, source: object) -> object:
        chance = random.Random(0)

        class Renaming(_Push):
            def parse(self, request: RawRequest) -> Iterable[Parsed]:
                for part in super().parse(request):
                    if isinstance(part, Record):
                        yield msgspec.structs.replace(part, native_id=f"{part.native_id}-{chance.getrandbits(32)}")

        return Renaming(source) if name == "knowlarity" and isinstance(source, PushSource) else source


class MarksBeforeSending(Variant):
    """Notes "delivered" and sends it then."""

    expected = frozenset({"undelivered", "stale"})

    def destination(self, name: str, destination: Destination) -> Destination:
        class Hopeful:
            async def deliver(self, batch: Sequence[Delivery]) -> Sequence[Receipt]:
                _behind(asyncio.create_task(destination.deliver(batch)))
                return [Delivered(status=200) for _ in batch]

        return Hopeful()


class KeyPerAttempt(Variant):
    """A new idempotency key for each attempt."""

    expected = frozenset({"keys", "twice"})

    def destination(self, name: str, destination: Destination) -> Destination:
        def rename(delivery: Delivery) -> Delivery:
            return msgspec.structs.replace(delivery, key=f"{delivery.key}-{delivery.attempt}")

        return _Sends(destination, before=rename)


class KeyPerProcess(Variant):
    """Keys that a restart forgets."""

    expected = frozenset({"keys", "twice"})

    def __init__(self) -> None:
        self.starts = 0

    def destination(self, name: str, destination: Destination) -> Destination:
        self.starts += 1
        mark = self.starts

        def rename(delivery: Delivery) -> Delivery:
            return msgspec.structs.replace(delivery, key=f"{delivery.key}-{mark}")

        return _Sends(destination, before=rename)


class CursorBeforePage(Variant):
    """Stores the cursor, then reads and stores the page."""

    expected = frozenset({"lost"})

    def source(self, name: str, source: object) -> object:
        class Eager:
            async def pull(self, stream: str, cursor: Cursor | None) -> AsyncIterator[Page]:
                assert isinstance(source, PulledSource)
                for page in source.pages(cursor):
                    yield Page(records=(), cursor=page.cursor)
                    await source.read()
                    yield Page(records=page.records, cursor=None)

        return Eager() if name == "pulled" else source


class CursorFromTheClock(Variant):
    """The cursor is the time of the pull, not that of the newest row."""

    expected = frozenset({"lost"})

    def source(self, name: str, source: object) -> object:
        class Stamping:
            async def pull(self, stream: str, cursor: Cursor | None) -> AsyncIterator[Page]:
                now = START + round(asyncio.get_running_loop().time() * 1e6)
                assert isinstance(source, PullSource)
                async for page in source.pull(stream, cursor):
                    yield msgspec.structs.replace(page, cursor=Cursor(position={"newest": now}))

        return Stamping() if name == "pulled" else source


class OneSharedLane(Variant):
    """Everything goes through one worker, whoever hangs."""

    expected = frozenset({"isolation"})

    def __init__(self) -> None:
        self.worker = asyncio.Semaphore(1)

    def destination(self, name: str, destination: Destination) -> Destination:
        worker = self.worker

        class Queueing:
            async def deliver(self, batch: Sequence[Delivery]) -> Sequence[Receipt]:
                async with worker:
                    return await destination.deliver(batch)

        return Queueing()


class ReserialisesTheBody(Variant):
    """Checks the signature of the body as it writes JSON itself."""

    expected = frozenset({"refused"})

    def source(self, name: str, source: object) -> object:
        class Tidy(_Meta):
            def verify(self, request: RawRequest) -> None:
                body = json.dumps(read_json(request.body)).encode()
                super().verify(msgspec.structs.replace(request, body=body))

        return Tidy(source) if isinstance(source, MetaLeadAds) else source


class RetriesRefusals(Variant):
    """Tries again what was refused for good."""

    expected = frozenset({"needless", "unfinished"})

    def destination(self, name: str, destination: Destination) -> Destination:
        def hope(_delivery: Delivery, receipt: Receipt) -> Receipt:
            return Retryable(str(receipt), status=receipt.status) if isinstance(receipt, Rejected) else receipt

        return _Sends(destination, after=hope)


class FirstChangeOnly(Variant):
    """Reads entry[0].changes[0], as the sample does."""

    expected = frozenset({"lost"})

    def source(self, name: str, source: object) -> object:
        class Sample(_Meta):
            def parse(self, request: RawRequest) -> Iterable[Parsed]:
                return list(super().parse(request))[:1]

        return Sample(source) if isinstance(source, MetaLeadAds) else source


class ForgetsTheUnreadable(Variant):
    """Gives up an id that its source does not show yet."""

    expected = frozenset({"unfinished", "lost"})

    def source(self, name: str, source: object) -> object:
        class Hasty(_Meta):
            async def fetch(self, pointers: Sequence[Pointer]) -> Sequence[Record | SourceError]:
                results = await super().fetch(pointers)
                return [SourceRefused("gone") if isinstance(one, NotYetReadable) else one for one in results]

        return Hasty(source) if isinstance(source, MetaLeadAds) else source


class SilentAboutTokens(Variant):
    """Takes a dead token for a passing fault."""

    expected = frozenset({"silent"})

    def source(self, name: str, source: object) -> object:
        class Patient(_Meta):
            async def fetch(self, pointers: Sequence[Pointer]) -> Sequence[Record | SourceError]:
                results = await super().fetch(pointers)
                return [SourceUnavailable("later") if isinstance(one, SourceAuthBroken) else one for one in results]

        return Patient(source) if isinstance(source, MetaLeadAds) else source


class DropsRepeatCallers(Variant):
    """Takes a second call from a phone for a duplicate."""

    expected = frozenset({"lost"})

    def __init__(self) -> None:
        self.phones: dict[str, str] = {}

    def source(self, name: str, source: object) -> object:
        phones = self.phones

        class Unique(_Push):
            def parse(self, request: RawRequest) -> Iterable[Parsed]:
                for part in super().parse(request):
                    known = isinstance(part, Record) and part.phone and phones.setdefault(part.phone, part.native_id)
                    is_first = isinstance(part, Record) and known in (None, "", part.native_id)
                    yield part if is_first else Ignored("duplicate")

        return Unique(source) if name == "knowlarity" and isinstance(source, PushSource) else source


class IgnoresRetryAfter(Variant):
    """Comes back when it likes."""

    expected = frozenset({"impatient"})

    def destination(self, name: str, destination: Destination) -> Destination:
        def forget(_delivery: Delivery, receipt: Receipt) -> Receipt:
            return Retryable(str(receipt), status=receipt.status) if isinstance(receipt, Retryable) else receipt

        return _Sends(destination, after=forget)


class RetriesWhatIsOld(Variant):
    """Keeps a retry queue of its own, which knows no versions."""

    expected = frozenset({"backwards", "stale"})

    def destination(self, name: str, destination: Destination) -> Destination:
        async def again(delivery: Delivery) -> None:
            await asyncio.sleep(30)
            await destination.deliver([delivery])

        def remember(delivery: Delivery, receipt: Receipt) -> Receipt:
            if not isinstance(receipt, Delivered):
                _behind(asyncio.create_task(again(delivery)))
            return receipt

        return _Sends(destination, after=remember) if name == "crm" else destination


class OneOutcomeForAll(Variant):
    """Sends ten at once and takes the first answer for all of them."""

    expected = frozenset({"undelivered", "stale", "dead"})

    def destination(self, name: str, destination: Destination) -> Destination:
        class Bulk:
            batch_max = 10

            async def deliver(self, batch: Sequence[Delivery]) -> Sequence[Receipt]:
                receipts = await destination.deliver(batch)
                return [receipts[0] for _ in batch]

        return Bulk()


class GivesUp(Variant):
    """Three tries, and no more."""

    expected = frozenset({"dead"})

    def destination(self, name: str, destination: Destination) -> Destination:
        def tire(delivery: Delivery, receipt: Receipt) -> Receipt:
            is_last = delivery.attempt >= 3 and not isinstance(receipt, Delivered)
            return Rejected("tried three times") if is_last else receipt

        return _Sends(destination, after=tire)


class NoDeadline(Variant):
    """Waits for an answer for as long as it takes."""

    expected = frozenset({"unfinished"})
    timeout_s = 1e6

    def engine(self, setup: EngineSetup) -> Engine:
        lanes = {
            name: msgspec.structs.replace(lane, policy=msgspec.structs.replace(lane.policy, timeout_s=1e6))
            for name, lane in setup.lanes.items()
        }
        return Engine(msgspec.structs.replace(setup, lanes=lanes))


class NoRate(Variant):
    """Sends as fast as it can."""

    expected = frozenset({"rate"})

    def engine(self, setup: EngineSetup) -> Engine:
        lanes = {
            name: msgspec.structs.replace(lane, policy=msgspec.structs.replace(lane.policy, rate=None))
            for name, lane in setup.lanes.items()
        }
        return Engine(msgspec.structs.replace(setup, lanes=lanes))


BROKEN: tuple[type[Variant], ...] = (
    AcknowledgesFirst,
    NoIdentityOfItsOwn,
    MarksBeforeSending,
    KeyPerAttempt,
    KeyPerProcess,
    CursorBeforePage,
    EventBeforeRecords,
    CursorFromTheClock,
    OneSharedLane,
    ReserialisesTheBody,
    RetriesRefusals,
    FirstChangeOnly,
    ForgetsTheUnreadable,
    SilentAboutTokens,
    DropsRepeatCallers,
    IgnoresRetryAfter,
    ForgetsPauses,
    RetriesWhatIsOld,
    NoRescue,
    HidesAttempts,
    MergesTheLeadOnly,
    OverwritesVersions,
    WritesLocalTime,
    OneOutcomeForAll,
    GivesUp,
    NoDeadline,
    NoRate,
)
