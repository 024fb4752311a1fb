"""A lead's history: what reached us when, what became of every delivery, and how long each hop took."""

from collections.abc import Sequence
from typing import Any

import msgspec

from leadwire.model.delivery import Attempt, OwedDelivery
from leadwire.model.lead import DeskEntry, Merge
from leadwire.model.record import StoredRecord
from leadwire.model.times import SECOND, Instant
from leadwire.ports.delivery_queue import DeliveryFilter
from leadwire.ports.ledger import Ledger
from leadwire.web.api.shapes import attempt_item, delivery_item, desk_item, merge_lines, record_line

DELIVERIES_MAX = 200
EVENTS_MAX = 50


class History(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of a lead's way. `stored_at` maps event sequences to when they were on disk."""

    entry: DeskEntry
    records: Sequence[StoredRecord]
    merges: Sequence[Merge]
    deliveries: Sequence[OwedDelivery]
    attempts: Sequence[Attempt]
    stored_at: dict[int, Instant]


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the timeline. `lag` is how long it took since the step before it; `tone` colours it."""

    at: Instant
    what: str
    detail: str = ""
    lag: Instant | None = None
    tone: str = ""


async def history_of(ledger: Ledger, entry: DeskEntry) -> History:
    """Reads a lead's history (its newest 200 deliveries)."""
    lead_id = entry.lead.id
    records = await ledger.leads.records(lead_id)
    deliveries = await ledger.delivery_book.page(DeliveryFilter(lead_id=lead_id), None, DELIVERIES_MAX)
    stored_at: dict[int, Instant] = {}
    for record in records[-EVENTS_MAX:]:
        if record.event_sequence is not None and record.event_sequence not in stored_at:
            event = await ledger.events.find(record.event_sequence)
            if event is not None:
                stored_at[record.event_sequence] = event.stored_at
    return History(
        entry=entry,
        records=records,
        merges=await ledger.leads.merges(lead_id),
        deliveries=deliveries,
        attempts=await ledger.delivery_book.attempts([delivery.id for delivery in deliveries]),
        stored_at=stored_at,
    )


def timeline_document(history: History) -> dict[str, Any]:
    """The history as JSON values."""
    return {
        "desk": msgspec.to_builtins(desk_item(history.entry)),
        "records": [record_line(record, _stored_at(history, record)) for record in history.records],
        "merges": merge_lines(history.merges),
        "deliveries": [msgspec.to_builtins(delivery_item(delivery)) for delivery in history.deliveries],
        "attempts": [msgspec.to_builtins(attempt_item(attempt)) for attempt in history.attempts],
        "lags": lags_of(history),
    }


def lags_of(history: History) -> list[dict[str, Any]]:
    """Seconds per hop: of every record from created to resolved, and to each destination's first delivery after it."""
    lines = []
    for record in history.records:
        hops: dict[str, float | None] = {
            "created_to_received": _seconds(record.content.occurred_at, record.received_at),
            "received_to_stored": _seconds(record.received_at, _stored_at(history, record) or record.stored_at),
            "received_to_resolved": _seconds(record.received_at, record.stored_at),
        }
        delivered: dict[str, float | None] = {}
        for delivery in reversed(history.deliveries):
            at = delivery.delivered_at
            if at is not None and at >= record.stored_at and delivery.destination not in delivered:
                delivered[delivery.destination] = _seconds(record.received_at, at)
        lines.append(
            {"source": record.source, "native_id": record.content.native_id, **hops, "received_to_delivered": delivered}
        )
    return lines


def moments(history: History) -> list[Moment]:
    """The timeline, oldest first."""
    found = [moment for record in history.records for moment in _record_moments(history, record)]
    by_id = {delivery.id: delivery for delivery in history.deliveries}
    found += [_attempt_moment(attempt, by_id[attempt.delivery_id]) for attempt in history.attempts]
    for merge in history.merges:
        found.append(Moment(at=merge.merged_at, what="Merged with another lead", detail=merge.reason))
        if merge.undone_at is not None:
            found.append(Moment(at=merge.undone_at, what="Merge undone"))
    found += _desk_moments(history.entry)
    return sorted(found, key=lambda moment: moment.at)


def _record_moments(history: History, record: StoredRecord) -> list[Moment]:
    occurred_at, stored_at = record.content.occurred_at, _stored_at(history, record)
    found = [
        Moment(
            at=record.received_at,
            what=f"Received from {record.source}",
            detail=record.via,
            lag=None if occurred_at is None else record.received_at - occurred_at,
        ),
        Moment(at=record.stored_at, what="Resolved", lag=record.stored_at - (stored_at or record.received_at)),
    ]
    if occurred_at is not None:
        found.insert(0, Moment(at=occurred_at, what=f"Created at {record.source}", detail=record.content.kind))
    if stored_at is not None:
        found.insert(-1, Moment(at=stored_at, what="On disk, acknowledged", lag=stored_at - record.received_at))
    return found


def _attempt_moment(attempt: Attempt, delivery: OwedDelivery) -> Moment:
    ended_at = attempt.started_at + attempt.duration_us
    is_done = attempt.outcome == "delivered"
    status = f"HTTP {attempt.status}" if attempt.status is not None else ""
    detail = " · ".join(part for part in (f"try {attempt.number}", status, attempt.detail or "") if part)
    return Moment(
        at=ended_at,
        what=f"Delivered to {delivery.destination}"
        if is_done
        else f"{delivery.destination}: {_OUTCOMES[attempt.outcome]}",
        detail=detail,
        lag=ended_at - delivery.received_at if is_done else attempt.duration_us,
        tone="good" if is_done else "bad",
    )


_OUTCOMES = {
    "delivered": "delivered",
    "retryable": "not now, will be tried again",
    "rejected": "refused",
    "auth_broken": "refused our credentials",
    "gone": "asked us to stop",
    "unknown": "no answer, may have arrived",
}


def _desk_moments(entry: DeskEntry) -> list[Moment]:
    received_at = entry.lead.received_at
    found = []
    if entry.opened_at is not None:
        found.append(Moment(at=entry.opened_at, what="Opened", lag=_since(received_at, entry.opened_at)))
    if entry.first_touch_at is not None:
        found.append(Moment(at=entry.first_touch_at, what="First touch", lag=_since(received_at, entry.first_touch_at)))
    if entry.claimed_at is not None and entry.claimed_at != entry.first_touch_at:
        found.append(Moment(at=entry.claimed_at, what=f"Claimed by {entry.claimed_by or 'somebody'}"))
    return found


def _since(start: Instant, end: Instant) -> Instant | None:
    return end - start if end >= start else None  # a repeat enquiry came in after it


def _stored_at(history: History, record: StoredRecord) -> Instant | None:
    return None if record.event_sequence is None else history.stored_at.get(record.event_sequence)


def _seconds(start: Instant | None, end: Instant) -> float | None:
    return None if start is None else (end - start) / SECOND
