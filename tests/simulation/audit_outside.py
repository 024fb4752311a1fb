"""What must have arrived: at the CRM each lead once, at its newest version; at the chat each record exactly once."""

import json
from collections import Counter
from collections.abc import Iterator

from simulation.life import Life
from simulation.violation import Violation


def outside(life: Life) -> Iterator[Violation]:
    """Every violation that the destinations can see."""
    yield from _wrong_at_the_crm(life)
    yield from _twice_at_the_crm(life)
    yield from _keys(life)
    yield from _wrong_at_the_chat(life)


def _wrong_at_the_crm(life: Life) -> Iterator[Violation]:
    """The CRM holds every living lead at its newest version, unless it refuses it."""
    at_crm = {row.lead_id: row for row in life.crm.rows.values()}
    dead = {row.lead_id for row in life.state.deliveries.rows.values() if row.state == "dead"}
    for lead in life.state.leads.rows.values():
        row = at_crm.get(lead.id)
        if lead.merged_into is not None or lead.id in dead:
            continue
        if row is None:
            yield Violation("undelivered", f"lead {lead.id} is not at the CRM")
        elif row.version != lead.version:
            yield Violation("stale", f"lead {lead.id} is at version {lead.version}, the CRM has {row.version}")
        elif bytes(row.data) != bytes(lead.document):
            yield Violation("stale", f"lead {lead.id} at the CRM is not the lead here")
    for lead_id in at_crm.keys() - life.state.leads.rows.keys():
        yield Violation("ghost", f"the CRM has lead {lead_id}, which is not here")


def _twice_at_the_crm(life: Life) -> Iterator[Violation]:
    """No record stands on two leads that are still alive (a dead letter leaves the CRM with what it had)."""
    dead = {row.lead_id for row in life.state.deliveries.rows.values() if row.state == "dead"}
    counts: Counter[tuple[str, str]] = Counter()
    for row in life.crm.rows.values():
        lead = life.state.leads.rows.get(row.lead_id)
        if lead is None or lead.merged_into is not None or lead.id in dead:
            continue
        for line in json.loads(bytes(row.data))["records"]:
            counts[line["source"], line["native_id"]] += 1
    for key, count in counts.items():
        if count > 1:
            yield Violation("twice", f"record {key} is on {count} leads")


def _keys(life: Life) -> Iterator[Violation]:
    """One version has one key in all its attempts, and no version is followed by an older one."""
    keys: dict[tuple[str, int], set[str]] = {}
    for effect in life.crm.effects:
        keys.setdefault((effect.lead_id, effect.version), set()).add(effect.key)
        if effect.goes_backwards:
            yield Violation("backwards", f"lead {effect.lead_id} went back to version {effect.version}")
    for pair, used in keys.items():
        if len(used) > 1:
            yield Violation("keys", f"{pair} was sent under {len(used)} keys")


def _wrong_at_the_chat(life: Life) -> Iterator[Violation]:
    """An append-only destination has each record exactly once."""
    posted: Counter[tuple[str, str]] = Counter()
    for row in life.chat.rows.values():
        record = json.loads(bytes(row.data))["record"]
        posted[record["source"], record["native_id"]] += 1
    for key, count in posted.items():
        if count > 1:
            yield Violation("twice", f"{key} was posted {count} times")
    for record_key in life.state.records.rows:
        if tuple(record_key) not in posted:
            yield Violation("undelivered", f"{tuple(record_key)} was never posted")
