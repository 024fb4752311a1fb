"""Parts that tests of services need: an observer that remembers, a destination and a source that answer as told."""

from collections.abc import Callable, Iterable, Sequence

from leadwire.engine.observer import EventParsed
from leadwire.model.delivery import ClaimedDelivery, Settlement
from leadwire.model.event import NewEvent, RawRequest
from leadwire.model.record import RecordKey
from leadwire.model.times import Instant
from leadwire.rules.resolution import Outcome
from leadwire.sdk import (
    Delivered,
    Delivery,
    Ignored,
    Parsed,
    PayloadInvalid,
    Pointer,
    Receipt,
    Record,
    SourceError,
    Unreadable,
)
from leadwire.store.memory import MemoryLedger


class Notes:
    """An `Observer` that remembers words."""

    def __init__(self) -> None:
        self.events: list[EventParsed] = []
        self.attempts: list[Settlement] = []
        self.lane: list[str] = []
        self.alerts: list[str] = []
        self.crashes: list[str] = []
        self.rescues: dict[str, int] = {}
        self.fetches: dict[str, int] = {}
        self.outcomes: list[Outcome] = []

    def parsed(self, event: EventParsed) -> None:
        self.events.append(event)

    def resolved(self, outcome: Outcome, received_at: list[Instant], now: Instant) -> None:
        self.outcomes.append(outcome)

    def fetched(self, source: str, outcome: str, count: int, duration_us: int) -> None:
        self.fetches[outcome] = self.fetches.get(outcome, 0) + count

    def attempted(self, claimed: ClaimedDelivery, settlement: Settlement) -> None:
        self.attempts.append(settlement)

    def lane_changed(self, destination: str, state: str, reason: str) -> None:
        self.lane.append(state)

    def alerted(self, subject: str, reason: str) -> None:
        self.alerts.append(subject)

    def rescued(self, what: str, count: int) -> None:
        self.rescues[what] = count

    def crashed(self, service: str, error: BaseException) -> None:
        self.crashes.append(f"{service}: {type(error).__name__}")


class Told:
    """A destination that answers as `answer` says, and remembers what it was given."""

    def __init__(self, answer: Callable[[Delivery], Receipt] | None = None, batch_max: int = 1) -> None:
        self.batch_max = batch_max
        self.answer = answer or (lambda _delivery: Delivered(status=200))
        self.batches: list[list[Delivery]] = []

    @property
    def deliveries(self) -> list[Delivery]:
        return [delivery for batch in self.batches for delivery in batch]

    async def deliver(self, batch: Sequence[Delivery]) -> Sequence[Receipt]:
        self.batches.append(list(batch))
        return [self.answer(delivery) for delivery in batch]


class Scripted:
    """A push source whose body is a list of lines: "record:ID PHONE", "pointer:ID SCOPE", "bad", "boom"."""

    def __init__(self) -> None:
        self.fetched: list[list[str]] = []
        self.answers: dict[str, SourceError | Exception] = {}
        self.scopes: tuple[str, ...] = ()

    def verify(self, request: RawRequest) -> None:
        del request

    def parse(self, request: RawRequest) -> Iterable[Parsed]:
        for line in request.body.decode().split("\n"):
            word, _, rest = line.partition(":")
            name, _, value = rest.partition(" ")
            match word:
                case "record":
                    yield record(name, value or None)
                case "pointer":
                    yield Pointer(native_id=name, scope=value or "*")
                case "blocked":
                    yield Pointer(native_id=name, scope=value, blocked="page is not configured")
                case "ignored":
                    yield Ignored("feed")
                case "bad":
                    yield Unreadable("no id")
                case "poison":
                    raise PayloadInvalid("not JSON")
                case _:
                    raise KeyError(word)

    async def fetch(self, pointers: Sequence[Pointer]) -> Sequence[Record | SourceError]:
        self.fetched.append([pointer.native_id for pointer in pointers])
        results: list[Record | SourceError] = []
        for pointer in pointers:
            answer = self.answers.get(pointer.native_id)
            if isinstance(answer, SourceError):
                results.append(answer)
            elif answer is not None:
                raise answer
            else:
                results.append(record(pointer.native_id, None))
        return results


def record(native_id: str, phone: str | None) -> Record:
    return Record(native_id=native_id, kind="form", phone=phone)


async def push(ledger: MemoryLedger, body: str, now: Instant, source: str = "site") -> None:
    """Stores a pushed event."""
    request = RawRequest(
        method="POST", path=f"/webhooks/{source}", query=b"", headers=(), body=body.encode(), received_at=now
    )
    await ledger.events.append([NewEvent(source=source, dedup_key=body.encode()[:16], request=request)], now)


async def stored(ledger: MemoryLedger, native_id: str, source: str = "site") -> bool:
    """Whether a record is in the lead book."""
    return bool((await ledger.leads.known([RecordKey(source, native_id)], [])).records)
