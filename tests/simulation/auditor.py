"""The auditor: compares what the worlds know with what the ledger holds and what arrived, and names every violation."""

import json
import re
from collections import Counter
from urllib.parse import parse_qs

import msgspec

from leadwire.model.record import RecordKey
from leadwire.simulators.crm.world import CrmWorld
from leadwire.simulators.push import Push
from simulation.life import Life


class Violation(msgspec.Struct, frozen=True):
    """A broken promise: a fixed word, and what exactly."""

    kind: str
    detail: str


def audit(life: Life) -> list[Violation]:
    """Every violation of a life that has ended."""
    return [
        *_lost(life),
        *_unfinished(life),
        *_wrong_at_the_crm(life),
        *_wrong_at_the_chat(life),
        *_refused(life),
        *_needless(life),
        *(Violation("unforeseen", text) for text in life.watch.unforeseen),
    ]


def _owed_records(life: Life) -> set[RecordKey]:
    """What must be here: all that we acknowledged, all rows of the pulled table, and every lead whose webhook Meta sent to its end."""
    owed = {RecordKey("pulled", row.native_id) for row in life.pulled.rows}
    for source, push in life.watch.acknowledged:
        owed |= {RecordKey(source, native_id) for native_id in _ids(source, push)}
    if not any(world.next_push_at() for world in (life.meta,)):
        owed |= {RecordKey("meta", lead_id) for lead_id in life.meta.leads}
    return owed


def _ids(source: str, push: Push) -> list[str]:
    if source == "meta":
        return [native_id.decode() for native_id in re.findall(rb'"leadgen_id":\s*"?(\d+)', push.body)]
    if push.method == "GET":
        fields = {name: values[0] for name, values in parse_qs(push.query).items()}
    elif push.body.startswith(b"{"):
        fields = json.loads(push.body)
    else:
        fields = {name: values[0] for name, values in parse_qs(push.body.decode()).items()}
    return [str(fields.get("uuid") or fields["callid"])]


def _lost(life: Life) -> list[Violation]:
    owed = _owed_records(life)
    held = set(life.state.records.rows)
    return [
        *(Violation("lost", f"{key.source} {key.native_id}") for key in sorted(owed - held)),
        *(Violation("ghost", f"{key.source} {key.native_id}") for key in sorted(held - _all_records(life))),
    ]


def _all_records(life: Life) -> set[RecordKey]:
    return {
        *(RecordKey("meta", lead_id) for lead_id in life.meta.leads),
        *(RecordKey("knowlarity", call.uuid) for call in life.knowlarity.calls),
        *(RecordKey("pulled", row.native_id) for row in life.pulled.rows),
    }


def _unfinished(life: Life) -> list[Violation]:
    found = [
        Violation("unfinished", f"delivery {row.id} is {row.state}: {row.reason}")
        for row in life.state.deliveries.rows.values()
        if row.state in ("pending", "leased")
    ]
    found += [
        Violation("unfinished", f"fetch {row.native_id} is {row.state}: {row.reason}")
        for row in life.state.fetches.rows.values()
        if row.state != "done"
    ]
    found += [
        Violation("unfinished", f"event {event.sequence} is {event.state}: {event.reason}")
        for event in life.state.events.rows.values()
        if event.state != "resolved"
    ]
    return found


def _wrong_at_the_crm(life: Life) -> list[Violation]:
    """The CRM holds each lead once, at its newest version, unless it refuses it; one version had one key."""
    found = []
    at_crm = {row.lead_id: row for row in life.crm.rows.values()}
    dead = {row.lead_id: row for row in life.state.deliveries.rows.values() if row.state == "dead"}
    for lead in life.state.leads.rows.values():
        row = at_crm.get(lead.id)
        if lead.merged_into is not None or lead.id in dead:
            continue
        if row is None:
            found.append(Violation("undelivered", f"lead {lead.id} is not at the CRM"))
        elif row.version != lead.version:
            found.append(Violation("stale", f"lead {lead.id} is at version {lead.version}, the CRM has {row.version}"))
    for lead_id in at_crm.keys() - life.state.leads.rows.keys():
        found.append(Violation("ghost", f"the CRM has lead {lead_id}, which is not here"))
    keys: dict[tuple[str, int], set[str]] = {}
    for effect in life.crm.effects:
        keys.setdefault((effect.lead_id, effect.version), set()).add(effect.key)
        if effect.goes_backwards:
            found.append(Violation("backwards", f"lead {effect.lead_id} went back to version {effect.version}"))
    found += [
        Violation("keys", f"{pair} was sent under {len(used)} keys") for pair, used in keys.items() if len(used) > 1
    ]
    found += _people_twice(life, life.crm)
    return found


def _people_twice(life: Life, crm: CrmWorld) -> list[Violation]:
    """No record stands on two leads that are still alive."""
    counts: Counter[tuple[str, str]] = Counter()
    for row in crm.rows.values():
        lead = life.state.leads.rows.get(row.lead_id)
        if lead is None or lead.merged_into is not None:
            continue
        for line in json.loads(bytes(row.data))["records"]:
            counts[line["source"], line["native_id"]] += 1
    return [Violation("twice", f"record {key} is on {count} leads") for key, count in counts.items() if count > 1]


def _wrong_at_the_chat(life: Life) -> list[Violation]:
    """An append-only destination has each record exactly once."""
    posted: Counter[tuple[str, str]] = Counter()
    for row in life.chat.rows.values():
        record = json.loads(bytes(row.data))["record"]
        posted[record["source"], record["native_id"]] += 1
    found = [Violation("twice", f"{key} was posted {count} times") for key, count in posted.items() if count > 1]
    for key in life.state.records.rows:
        if tuple(key) not in posted:
            found.append(Violation("undelivered", f"{tuple(key)} was never posted"))
    return found


def _refused(life: Life) -> list[Violation]:
    """The doors turn nothing away that its source really sent."""
    return [Violation("refused", f"{source} was answered {status}") for source, status in life.watch.refused]


def _needless(life: Life) -> list[Violation]:
    """Nothing that was refused for good is tried again; what one destination does never delays another."""
    found = []
    for delivery_id, attempts in life.state.deliveries.attempts.items():
        refused = [attempt for attempt in attempts if attempt.status == 422]
        if len(refused) > 1:
            found.append(Violation("needless", f"{delivery_id} was tried {len(refused)} times after a 422"))
    return found
