"""How everything stands, in words: is a lead missing or late, where, and what to do about it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import msgspec

from leadwire.engine.figures import EngineView, Tallies
from leadwire.engine.lags import LagPoint
from leadwire.engine.pauses import lane_subject
from leadwire.model.pull import Pause
from leadwire.model.times import MINUTE, SECOND, Instant, to_iso
from leadwire.ports.delivery_queue import LaneTally
from leadwire.ports.event_log import SourceTally
from leadwire.ports.fetch_queue import FetchTally

SourceState = Literal["ok", "waiting", "behind", "attention", "paused"]
LaneState = Literal["ok", "behind", "retrying", "attention", "paused"]

BEHIND_AFTER = MINUTE


class SourceLine(msgspec.Struct, frozen=True, kw_only=True):
    """A source in words and figures. `hint` says what to do; "" where nothing is to be done."""

    name: str
    state: SourceState
    hint: str
    last_event_at: Instant | None
    last_poll_at: Instant | None
    unresolved: int
    oldest_unresolved_at: Instant | None
    quarantined: int
    parked: int
    pending_fetches: int


class LaneLine(msgspec.Struct, frozen=True, kw_only=True):
    """A destination in words and figures."""

    name: str
    state: LaneState
    hint: str
    due: int
    oldest_due_at: Instant | None
    dead: int
    last_delivered_at: Instant | None
    breaker: str
    pause: Pause | None


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """How everything stands at `now`. `is_well` is the one-glance answer and `sentence` its words."""

    now: Instant
    is_ready: bool
    is_well: bool
    sentence: str
    sources: Sequence[SourceLine]
    lanes: Sequence[LaneLine]
    lags: Mapping[str, LagPoint]


class SourceStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A source in the status document; times are ISO 8601."""

    name: str
    last_event_at: str | None
    last_poll_at: str | None
    state: str
    hint: str


class DestinationStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A destination in the status document. `due` counts what is owed; `oldest_due_s` is the oldest one's age in seconds."""

    name: str
    state: str
    due: int
    oldest_due_s: float | None
    dead: int


class HopLag(msgspec.Struct, frozen=True, kw_only=True):
    """How late one hop was in the last hour, in seconds."""

    count: int
    p50_s: float
    p95_s: float


class LagStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How far behind now we are: ages in seconds (null: nothing waits), and every hop of the last hour."""

    oldest_unresolved_s: float | None
    oldest_due_s: float | None
    hops: dict[str, HopLag]


class StatusDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What `leadwire status --json` and /api/v1/status both answer."""

    sources: list[SourceStatus]
    destinations: list[DestinationStatus]
    lag: LagStatus
    ready: bool


class Surveyed(msgspec.Struct, frozen=True, kw_only=True):
    """What a report is made of. `sources` and `destinations` are the configured names, in their order."""

    now: Instant
    sources: Sequence[str]
    destinations: Sequence[str]
    tallies: Tallies
    view: EngineView = EngineView()
    lags: Mapping[str, LagPoint] = {}
    is_ready: bool = True


def report(surveyed: Surveyed) -> Report:
    """How everything stands. Names that are no longer configured stand at the end while something is still owed to them."""
    tallies = surveyed.tallies
    unresolved = [name for name, tally in tallies.sources.items() if tally.unresolved]
    owed = [name for name, tally in tallies.lanes.items() if tally.due or tally.dead]
    sources = [_source_line(name, surveyed) for name in _with_leftovers(surveyed.sources, unresolved)]
    lanes = [_lane_line(name, surveyed) for name in _with_leftovers(surveyed.destinations, owed)]
    troubles = _troubles(sources, lanes, surveyed.now, is_ready=surveyed.is_ready)
    return Report(
        now=surveyed.now,
        is_ready=surveyed.is_ready,
        is_well=not troubles,
        sentence=_sentence(troubles, sources, lanes),
        sources=sources,
        lanes=lanes,
        lags=surveyed.lags,
    )


def document(made: Report) -> StatusDocument:
    """The report in the shape that users and tools rely on."""
    return StatusDocument(
        sources=[
            SourceStatus(
                name=line.name,
                last_event_at=_iso(line.last_event_at),
                last_poll_at=_iso(line.last_poll_at),
                state=line.state,
                hint=line.hint,
            )
            for line in made.sources
        ],
        destinations=[
            DestinationStatus(
                name=line.name,
                state=line.state,
                due=line.due,
                oldest_due_s=_age_s(line.oldest_due_at, made.now),
                dead=line.dead,
            )
            for line in made.lanes
        ],
        lag=LagStatus(
            oldest_unresolved_s=_age_s(_oldest(line.oldest_unresolved_at for line in made.sources), made.now),
            oldest_due_s=_age_s(_oldest(line.oldest_due_at for line in made.lanes), made.now),
            hops={
                hop: HopLag(count=point.count, p50_s=point.p50_s, p95_s=point.p95_s) for hop, point in made.lags.items()
            },
        ),
        ready=made.is_ready,
    )


def spoken(duration: Instant) -> str:
    """A duration as people say it: "40 s", "12 min", "3 h", "2 days"."""
    seconds = max(0, duration // SECOND)
    if seconds < 120:
        return f"{seconds} s"
    if seconds < 2 * 3600:
        return f"{seconds // 60} min"
    if seconds < 48 * 3600:
        return f"{seconds // 3600} h"
    return f"{seconds // 86400} days"


def _with_leftovers(configured: Sequence[str], waiting: Iterable[str]) -> list[str]:
    return [*configured, *sorted(name for name in waiting if name not in configured)]


def _source_line(name: str, surveyed: Surveyed) -> SourceLine:
    tally = surveyed.tallies.sources.get(name, SourceTally(source=name))
    fetches = surveyed.tallies.fetches.get(name, FetchTally(source=name))
    pauses = [pause for pause in surveyed.tallies.pauses if pause.subject.startswith(f"source:{name}/")]
    last_poll_at = surveyed.view.last_poll_at.get(name)
    state, hint = _source_words(name, surveyed, tally, fetches, pauses)
    return SourceLine(
        name=name,
        state=state,
        hint=hint,
        last_event_at=tally.last_event_at,
        last_poll_at=last_poll_at,
        unresolved=tally.unresolved,
        oldest_unresolved_at=tally.oldest_unresolved_at,
        quarantined=tally.quarantined,
        parked=fetches.parked,
        pending_fetches=fetches.due,
    )


def _source_words(
    name: str, surveyed: Surveyed, tally: SourceTally, fetches: FetchTally, pauses: Sequence[Pause]
) -> tuple[SourceState, str]:
    if broken := [pause.subject.partition("/")[2] for pause in pauses if pause.cause == "auth"]:
        whose = "" if "*" in broken else f" of {', '.join(sorted(broken))}"
        return (
            "attention",
            f"{name} refuses our credentials{whose}. Put a new token into the configuration and restart.",
        )
    if name not in surveyed.sources:
        return "attention", "It is not in the configuration any more, but events of it are still unresolved."
    if fetches.parked:
        return "attention", f"{_count(fetches.parked, 'lead')} could not be read. See the reason under Parked fetches."
    if tally.quarantined:
        return "attention", f"{_count(tally.quarantined, 'event')} could not be understood. See Quarantined events."
    if tally.oldest_unresolved_at is not None and surveyed.now - tally.oldest_unresolved_at > BEHIND_AFTER:
        return "behind", f"{_count(tally.unresolved, 'event')} wait to be resolved. They are safe on disk."
    if pauses:
        return "paused", f"{name} asked us to wait: {pauses[0].reason}"
    if tally.last_event_at is None and surveyed.view.last_poll_at.get(name) is None:
        return "waiting", "Nothing has come in yet. Send a test lead to see that the webhook is set up."
    return "ok", ""


def _lane_line(name: str, surveyed: Surveyed) -> LaneLine:
    tally = surveyed.tallies.lanes.get(name, LaneTally(destination=name))
    pause = next((pause for pause in surveyed.tallies.pauses if pause.subject == lane_subject(name)), None)
    breaker = surveyed.view.breakers.get(name, "closed")
    state, hint = _lane_words(name, surveyed, tally, pause)
    return LaneLine(
        name=name,
        state=state,
        hint=hint,
        due=tally.due,
        oldest_due_at=tally.oldest_due_at,
        dead=tally.dead,
        last_delivered_at=tally.last_delivered_at,
        breaker=breaker,
        pause=pause,
    )


def _lane_words(name: str, surveyed: Surveyed, tally: LaneTally, pause: Pause | None) -> tuple[LaneState, str]:
    if name not in surveyed.destinations:
        return "attention", "It is not in the configuration any more, but deliveries are still owed to it."
    if pause is not None:
        return _paused_words(name, pause)
    if surveyed.view.breakers.get(name, "closed") != "closed":
        return "retrying", f"{name} does not answer. Its deliveries are kept, and it is tried again every few seconds."
    if tally.oldest_due_at is not None and surveyed.now - tally.oldest_due_at > BEHIND_AFTER:
        waited = spoken(surveyed.now - tally.oldest_due_at)
        return "behind", f"The oldest of {_count(tally.due, 'delivery')} has waited {waited}."
    if tally.dead:
        return (
            "attention",
            f"{name} refused {_count(tally.dead, 'delivery')}. Look at the reason, mend it, then replay.",
        )
    return "ok", ""


def _paused_words(name: str, pause: Pause) -> tuple[LaneState, str]:
    match pause.cause:
        case "auth":
            return (
                "attention",
                f"{name} refuses our credentials. Put a new secret into the configuration and restart, or resume.",
            )
        case "gone":
            return "attention", f"{name} asked us to stop sending (410 Gone). Check its address, then resume."
        case "manual":
            return "paused", "Paused by hand. What is owed is kept until you resume."
        case "retry_after" | "throttled":
            return "paused", f"{name} asked us to wait. It goes on by itself."


def _troubles(sources: Sequence[SourceLine], lanes: Sequence[LaneLine], now: Instant, *, is_ready: bool) -> list[str]:
    troubles = [] if is_ready else ["the storage can't be written, so no webhook is accepted"]
    if dead := sum(line.dead for line in lanes):
        troubles.append(f"{_count(dead, 'delivery')} refused")
    if parked := sum(line.parked for line in sources):
        troubles.append(f"{_count(parked, 'lead')} could not be read")
    if quarantined := sum(line.quarantined for line in sources):
        troubles.append(f"{_count(quarantined, 'event')} could not be understood")
    for line in lanes:
        if line.oldest_due_at is not None and now - line.oldest_due_at > BEHIND_AFTER:
            troubles.append(
                f"{_count(line.due, 'delivery')} to {line.name} owed, the oldest for {spoken(now - line.oldest_due_at)}"
            )
        elif line.state in ("attention", "paused") and not line.dead:
            troubles.append(f"paused: {line.name}")
    troubles += [f"behind: {line.name}" for line in sources if line.state == "behind"]
    troubles += [
        f"needs a new token: {line.name}"
        for line in sources
        if line.state == "attention" and "credentials" in line.hint
    ]
    return troubles


def _sentence(troubles: Sequence[str], sources: Sequence[SourceLine], lanes: Sequence[LaneLine]) -> str:
    if not troubles:
        if not any(line.last_event_at or line.last_poll_at for line in sources):
            return "Nothing is missing: no lead has come in yet."
        on_the_way = sum(line.due for line in lanes)
        ending = f"{_count(on_the_way, 'delivery')} on the way." if on_the_way else "every lead has arrived everywhere."
        return f"Nothing is missing: {ending}"
    text = "; ".join(troubles)
    return f"{text[0].upper()}{text[1:]}."


def _count(number: int, noun: str) -> str:
    plural = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{number:,} {noun if number == 1 else plural}"


def _oldest(instants: Iterable[Instant | None]) -> Instant | None:
    return min((instant for instant in instants if instant is not None), default=None)


def _iso(instant: Instant | None) -> str | None:
    return None if instant is None else to_iso(instant)


def _age_s(since: Instant | None, now: Instant) -> float | None:
    return None if since is None else max(0.0, round((now - since) / SECOND, 3))
