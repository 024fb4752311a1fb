"""Figures that are read when someone asks, not counted along the way: of the running engine and of its ledger."""

from collections.abc import Mapping, Sequence

import msgspec

from leadwire.engine.assembly import Engine
from leadwire.engine.refusals import Refusal, Refusals
from leadwire.model.pull import Pause
from leadwire.model.times import Instant
from leadwire.ports.delivery_queue import LaneTally
from leadwire.ports.event_log import SourceTally
from leadwire.ports.fetch_queue import FetchTally
from leadwire.ports.ledger import Ledger


class EngineView(msgspec.Struct, frozen=True, kw_only=True):
    """What only the running process knows. `breakers` are "closed", "half_open" or "open" by destination."""

    last_poll_at: Mapping[str, Instant] = {}
    breakers: Mapping[str, str] = {}
    refusals: Mapping[tuple[str, str], int] = {}
    recent_refusals: Sequence[Refusal] = ()
    stored_events: int = 0
    duplicate_events: int = 0


class Tallies(msgspec.Struct, frozen=True, kw_only=True):
    """How the ledger's queues stand."""

    lanes: Mapping[str, LaneTally] = {}
    sources: Mapping[str, SourceTally] = {}
    fetches: Mapping[str, FetchTally] = {}
    pauses: Sequence[Pause] = ()


def view_of(engine: Engine, refusals: Refusals) -> EngineView:
    """What a running engine and its doors know now."""
    polled = {name: poll.last_poll_at for name, poll in engine.polls.items()}
    return EngineView(
        last_poll_at={name: instant for name, instant in polled.items() if instant is not None},
        breakers={name: lane.breaker.state for name, lane in engine.lanes.items()},
        refusals=dict(refusals.counts),
        recent_refusals=refusals.recent,
        stored_events=engine.intake.stored,
        duplicate_events=engine.intake.duplicates,
    )


async def tally(ledger: Ledger, now: Instant) -> Tallies:
    """Reads how the queues stand."""
    pauses = [pause for pause in await ledger.pauses.pauses() if pause.until is None or pause.until > now]
    return Tallies(
        lanes={tally.destination: tally for tally in await ledger.delivery_book.tally(now)},
        sources={tally.source: tally for tally in await ledger.events.tally()},
        fetches={tally.source: tally for tally in await ledger.fetches.tally(now)},
        pauses=pauses,
    )
