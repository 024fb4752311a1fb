"""The auditor: compares what the worlds know with what the ledger holds and what arrived, and names every violation."""

import json
import re
from collections.abc import Iterator
from urllib.parse import parse_qs

from leadwire.model.record import RecordKey
from leadwire.simulators.meta.hooks import SAMPLE_ID
from leadwire.simulators.push import Push
from simulation.audit_conduct import conduct
from simulation.audit_ledger import ledger
from simulation.audit_outside import outside
from simulation.life import Life
from simulation.violation import Violation


def audit(life: Life) -> list[Violation]:
    """Every violation of a life that has ended."""
    return [
        *_doors(life),
        *_lost(life),
        *_unfinished(life),
        *ledger(life),
        *outside(life),
        *conduct(life),
        *(Violation("unforeseen", text) for text in life.watch.unforeseen),
    ]


def _doors(life: Life) -> Iterator[Violation]:
    """Nothing that its source really sent is turned away, and no 2xx comes before the commit."""
    for source, status in life.watch.refused:
        yield Violation("refused", f"{source} was answered {status}")
    for source, push in life.watch.too_early:
        yield Violation("too early", f"{source} push {push.number} was acknowledged and not stored")


def _lost(life: Life) -> Iterator[Violation]:
    owed = _owed_records(life)
    held = set(life.state.records.rows)
    for key in sorted(owed - held):
        yield Violation("lost", f"{key.source} {key.native_id}")
    for key in sorted(held - _all_records(life)):
        yield Violation("ghost", f"{key.source} {key.native_id}")


def _owed_records(life: Life) -> set[RecordKey]:
    """What must be here: all that we acknowledged, all rows of the pulled table, and every lead whose webhook Meta sent to its end."""
    owed = {RecordKey("pulled", row.native_id) for row in life.pulled.rows}
    for source, push in life.watch.acknowledged:
        owed |= {RecordKey(source, native_id) for native_id in _ids(source, push)}
    if life.meta.next_push_at() is None:
        owed |= {RecordKey("meta", lead_id) for lead_id in life.meta.leads}
    return owed


def _ids(source: str, push: Push) -> list[str]:
    if source == "meta":
        found = [native_id.decode() for native_id in re.findall(rb'"leadgen_id":\s*"?(\d+)', push.body)]
        return [native_id for native_id in found if native_id != SAMPLE_ID]
    if push.method == "GET":
        fields = {name: values[0] for name, values in parse_qs(push.query).items()}
    elif push.body.startswith(b"{"):
        fields = json.loads(push.body)
    else:
        fields = {name: values[0] for name, values in parse_qs(push.body.decode()).items()}
    return [str(fields.get("uuid") or fields["callid"])]


def _all_records(life: Life) -> set[RecordKey]:
    return {
        *(RecordKey("meta", lead_id) for lead_id in life.meta.leads),
        *(RecordKey("knowlarity", call.uuid) for call in life.knowlarity.calls),
        *(RecordKey("pulled", row.native_id) for row in life.pulled.rows),
    }


def _unfinished(life: Life) -> Iterator[Violation]:
    """Liveness: nothing waits any more."""
    for delivery in life.state.deliveries.rows.values():
        if delivery.state in ("pending", "leased"):
            yield Violation("unfinished", f"delivery {delivery.id} is {delivery.state}: {delivery.reason}")
    for fetch in life.state.fetches.rows.values():
        if fetch.state != "done":
            yield Violation("unfinished", f"fetch {fetch.native_id} is {fetch.state}: {fetch.reason}")
    for event in life.state.events.rows.values():
        if event.state != "resolved":
            yield Violation("unfinished", f"event {event.sequence} is {event.state}: {event.reason}")
