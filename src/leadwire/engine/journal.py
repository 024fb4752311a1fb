"""The journal: one wide log record per fact, with a stable `action` word. No lead data passes through here."""

import structlog

from leadwire.engine.observer import EventParsed
from leadwire.model.delivery import ClaimedDelivery, Settlement
from leadwire.model.times import MILLISECOND, Instant
from leadwire.rules.resolution import Outcome

_log = structlog.get_logger("leadwire")


class Journal:
    """An `Observer` that writes the log."""

    def parsed(self, event: EventParsed) -> None:
        """An event was taken apart."""
        _log.info(
            "event",
            action="event.quarantined" if event.reason else "event.parsed",
            source=event.source,
            sequence=event.sequence,
            records=event.records,
            pointers=event.pointers,
            ignored=event.ignored,
            reason=event.reason,
        )

    def resolved(self, outcome: Outcome, received_at: list[Instant], now: Instant) -> None:
        """Records became leads."""
        if not outcome.changed_leads and not outcome.duplicates and not outcome.dropped:
            return
        _log.info(
            "resolve",
            action="resolve.stored",
            new=len(outcome.new_leads),
            changed=len(outcome.changed_leads) - len(outcome.new_leads),
            duplicates=outcome.duplicates,
            dropped=outcome.dropped,
            owed=len(outcome.absorption.deliveries),
            oldest_ms=(now - min(received_at)) / MILLISECOND if received_at else None,
        )

    def fetched(self, source: str, outcome: str, count: int, duration_us: int) -> None:
        """A batch of ids was read."""
        _log.info(
            "fetch",
            action="fetch.read",
            source=source,
            outcome=outcome,
            count=count,
            duration_ms=duration_us / MILLISECOND,
        )

    def attempted(self, claimed: ClaimedDelivery, settlement: Settlement) -> None:
        """A try at a delivery ended."""
        attempt = settlement.attempt
        if attempt is None:
            return
        _log.info(
            "attempt",
            action=f"delivery.{attempt.outcome}",
            destination=claimed.delivery.destination,
            sync=claimed.delivery.sync,
            delivery=settlement.delivery_id,
            version=claimed.delivery.version,
            attempt=attempt.number,
            state=settlement.state,
            status=attempt.status,
            reason=settlement.reason,
            duration_ms=attempt.duration_us / MILLISECOND,
        )

    def lane_changed(self, destination: str, state: str, reason: str) -> None:
        """A lane opened, closed, paused or resumed."""
        _log.warning("lane", action="lane.changed", subject=destination, state=state, reason=reason)

    def alerted(self, subject: str, reason: str) -> None:
        """Something needs a human."""
        _log.error("alert", action="alert", subject=subject, reason=reason)

    def rescued(self, what: str, count: int) -> None:
        """Leases that ran out were taken back."""
        _log.warning("rescue", action="rescue.taken_back", what=what, count=count)

    def crashed(self, service: str, error: BaseException) -> None:
        """A step failed in a way nobody foresaw: the place is told, never the values."""
        trace, place = error.__traceback__, ""
        while trace is not None:
            place = f"{trace.tb_frame.f_globals.get('__name__', '?')}:{trace.tb_lineno}"
            trace = trace.tb_next
        _log.error("crash", action="step.crashed", service=service, error=type(error).__name__, place=place)
