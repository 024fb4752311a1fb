"""What is written down of a simulated life for the auditor: by the engine's observer, and by whoever sends and starts."""

from collections import Counter
from typing import Literal

import msgspec

from leadwire.engine.observer import EventParsed
from leadwire.model.delivery import ClaimedDelivery, Settlement
from leadwire.model.times import Instant
from leadwire.rules.resolution import Outcome
from leadwire.simulators.push import Push


class Process(msgspec.Struct, kw_only=True):
    """One run of the engine, in true time. `drained` False: it was killed, or had to be abandoned."""

    started_at: Instant
    ended_at: Instant | None = None
    end: Literal["running", "drained", "killed"] = "running"


class Watch:
    """An `Observer` that remembers."""

    def __init__(self) -> None:
        self.acknowledged: list[tuple[str, Push]] = []
        self.too_early: list[tuple[str, Push]] = []
        self.refused: list[tuple[str, int]] = []
        self.processes: list[Process] = []
        self.crashed_after: list[str] = []
        self.unforeseen: list[str] = []
        self.alerts: list[str] = []
        self.counts: Counter[str] = Counter()

    def answered(self, source: str, push: Push, status: int | None, *, is_stored: bool) -> None:
        if status is not None and 200 <= status < 300:
            self.acknowledged.append((source, push))
            if not is_stored:
                self.too_early.append((source, push))
        elif status is not None:
            self.refused.append((source, status))

    def was_ended_in(self, start: Instant, end: Instant) -> bool:
        """Whether a process ended, in whatever way, between these two moments of true time."""
        return any(process.ended_at is not None and start <= process.ended_at <= end for process in self.processes)

    def started_before(self, moment: Instant) -> Instant:
        """When the process that ran at this moment had started."""
        return max(process.started_at for process in self.processes if process.started_at <= moment)

    def parsed(self, event: EventParsed) -> None:
        self.counts["quarantined" if event.reason else "parsed"] += 1

    def resolved(self, outcome: Outcome, received_at: list[Instant], now: Instant) -> None:
        self.counts["duplicates"] += outcome.duplicates
        self.counts["merges"] += len(outcome.absorption.merges)

    def fetched(self, source: str, outcome: str, count: int, duration_us: int) -> None:
        self.counts[f"fetched {outcome}"] += count

    def attempted(self, claimed: ClaimedDelivery, settlement: Settlement) -> None:
        if settlement.attempt is not None:
            self.counts[f"attempt {settlement.attempt.outcome}"] += 1

    def lane_changed(self, destination: str, state: str, reason: str) -> None:
        self.counts[f"lane {state}"] += 1

    def alerted(self, subject: str, reason: str) -> None:
        self.alerts.append(f"{subject}: {reason}")

    def rescued(self, what: str, count: int) -> None:
        self.counts[f"rescued {what}"] += count

    def crashed(self, service: str, error: BaseException) -> None:
        if isinstance(error, Exception):
            self.unforeseen.append(f"{service}: {type(error).__name__}: {error}")
