"""What the ledger must hold at the end: whole leads, versions without a gap, times in order, dead letters for poison only."""

import json
from collections.abc import Iterator

from leadwire.model.lead import Lead
from leadwire.model.record import RecordKey
from simulation.life import Life
from simulation.violation import Violation


def ledger(life: Life) -> Iterator[Violation]:
    """Every violation within the ledger."""
    yield from _leads(life)
    yield from _dead(life)
    if not life.plan.has("clock jumps"):
        yield from _times(life)


def _leads(life: Life) -> Iterator[Violation]:
    state = life.state
    for lead in state.leads.rows.values():
        held = set(state.records.of_lead.get(lead.id, ()))
        if {version for owner, version in state.leads.documents if owner == lead.id} != set(range(1, lead.version + 1)):
            yield Violation("versions", f"lead {lead.id} does not have every version up to {lead.version}")
        if lead.merged_into is None:
            if _records_of(lead) != held:
                yield Violation("torn", f"the document of lead {lead.id} does not have the lead's records")
            continue
        if held:
            yield Violation("merged", f"lead {lead.id} was merged and still has {len(held)} records")
        if _survivor(life, lead) is None:
            yield Violation("merged", f"lead {lead.id} was merged into nobody")


def _records_of(lead: Lead) -> set[RecordKey]:
    return {RecordKey(line["source"], line["native_id"]) for line in json.loads(bytes(lead.document))["records"]}


def _survivor(life: Life, lead: Lead) -> Lead | None:
    seen: set[str] = set()
    at: Lead | None = lead
    while at is not None and at.merged_into is not None and at.id not in seen:
        seen.add(at.id)
        at = life.state.leads.rows.get(at.merged_into)
    return None if at is None or at.merged_into is not None else at


def _dead(life: Life) -> Iterator[Violation]:
    """Only a lead that its destination refuses for good is a dead letter."""
    for delivery in life.state.deliveries.rows.values():
        if delivery.state != "dead":
            continue
        document = bytes(life.state.leads.documents[delivery.lead_id, delivery.version])
        is_poison = any(text.encode() in document for text in life.plan.crm.poison_texts)
        if delivery.destination != "crm" or not is_poison:
            yield Violation("dead", f"delivery {delivery.id} to {delivery.destination} is dead: {delivery.reason}")


def _times(life: Life) -> Iterator[Violation]:
    """Received, stored, resolved, owed, tried, delivered: in this order."""
    state = life.state
    for event in state.events.rows.values():
        if event.request.received_at > event.stored_at:
            yield Violation("times", f"event {event.sequence} was stored before it was received")
    stored_at = {event.sequence: event.stored_at for event in state.events.rows.values()}
    for record in state.records.read(state.records.rows):
        if record.received_at > record.stored_at:
            yield Violation("times", f"record {record.key} was resolved before it was received")
        if record.event_sequence is not None and stored_at[record.event_sequence] > record.stored_at:
            yield Violation("times", f"record {record.key} was resolved before its event was stored")
    for delivery in state.deliveries.rows.values():
        if not delivery.received_at <= delivery.owed_at <= (delivery.delivered_at or delivery.owed_at):
            yield Violation("times", f"delivery {delivery.id}: received, owed and delivered are out of order")
        attempts = state.deliveries.attempts.get(delivery.id, [])
        if any(attempt.started_at < delivery.owed_at for attempt in attempts):
            yield Violation("times", f"delivery {delivery.id} was tried before it was owed")
        if [attempt.number for attempt in attempts] != list(range(1, len(attempts) + 1)):
            yield Violation("attempts", f"delivery {delivery.id}: the attempts are not numbered from 1")
