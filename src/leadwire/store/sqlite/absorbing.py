"""One absorption as set-based statements: guards first, then what follows from them, all in the caller's transaction."""

from collections.abc import Callable, Iterable, Sequence
from itertools import count

import msgspec

from leadwire.model.delivery import OwedDelivery
from leadwire.model.errors import StoreBusy
from leadwire.model.record import RecordKey
from leadwire.model.times import Instant
from leadwire.ports.lead_book import Absorption, LeadChange, RecordChange
from leadwire.rules.search import search_words
from leadwire.store.sqlite.session import Session, Value

_encode = msgspec.json.Encoder().encode


def as_json(rows: object) -> str:
    """Any values as a JSON parameter."""
    return _encode(rows).decode()


class Absorbing:
    """Made in the caller's thread, so that what can't be encoded is the caller's error; `store` runs in the committer's."""

    def __init__(self, absorption: Absorption, now: Instant) -> None:
        self._now = now
        self._steps: list[tuple[str, dict[str, Value], int | None]] = []
        records = _collapse_records(absorption.records)
        leads = _collapse_leads(absorption.leads)
        self._new_records = [change for change in records if change.previous is None]
        self._new_records_json = as_json(self._new_records)
        changed_records = [change for change in records if change.previous is not None]
        self._new_leads = {change.lead.id for change in leads if change.previous_version == 0}
        self._changed_leads = [change for change in leads if change.previous_version != 0]
        self._add("change_records", changed_records, must_change=True)
        self._owe(absorption.deliveries)
        self._add("withdraw", absorption.withdrawals)
        self._put_leads(leads)
        self._add("put_merges", absorption.merges)
        self._add("end_events", absorption.events)
        self._add("owe_fetches", absorption.fetches)
        self._add("end_fetches", absorption.fetched)
        if (move := absorption.cursor) is not None:
            cursor = as_json(move.cursor)
            self._steps.append(("move_cursor", {"source": move.source, "stream": move.stream, "cursor": cursor}, None))
        self.destinations = {delivery.destination for delivery in absorption.deliveries}

    @property
    def records_new(self) -> int:
        """How many sequences it needs."""
        return len(self._new_records)

    def store(self, session: Session, record_base: int) -> None:
        """Changes everything, new records under the sequences after `record_base`. Raises StoreBusy where a guard fails."""
        if self._new_records:
            parameters: dict[str, Value] = {"base": record_base, "rows": self._new_records_json}
            if session.change("lead_book.add_records", parameters) != len(self._new_records):
                raise StoreBusy
        for name, parameters, expected in self._steps:
            changed = session.change(f"lead_book.{name}", parameters)
            if expected is not None and changed != expected:
                raise StoreBusy

    def _add(self, name: str, rows: Sequence[object], *, must_change: bool = False) -> None:
        if rows:
            parameters: dict[str, Value] = {"rows": as_json(rows)}
            if name in _TIMED:
                parameters["now"] = self._now
            self._steps.append((name, parameters, len(rows) if must_change else None))

    def _owe(self, deliveries: Sequence[OwedDelivery]) -> None:
        rows = _supersede_within(deliveries, self._now)
        older = [row for row in rows if row.grain == "lead" and row.lead_id not in self._new_leads]
        self._add("supersede", older)
        self._add("owe", rows)

    def _put_leads(self, leads: Sequence[LeadChange]) -> None:
        new = [change for change in leads if change.previous_version == 0]
        changed = self._changed_leads
        self._add("add_leads", new, must_change=True)
        self._add("keep_documents", changed)
        self._add("change_leads", changed, must_change=True)
        self._add("give_keys", [(key, change.lead.id) for change in leads for key in change.keys])
        self._add("add_words", _words(new))
        self._add("change_words", _words(changed))


_TIMED = frozenset({"supersede", "withdraw", "owe_fetches", "end_fetches"})


def _words(changes: Iterable[LeadChange]) -> list[tuple[str, str]]:
    return [(change.lead.id, " ".join(search_words(change.search))) for change in changes]


def _collapse_records(changes: Sequence[RecordChange]) -> Sequence[RecordChange]:
    """At most one change per record: a later one of the list is guarded against an earlier one."""
    by_key: dict[RecordKey, RecordChange] = {}
    for change in changes:
        key = change.record.key
        if (earlier := by_key.get(key)) is not None:
            if earlier.record.fingerprint != change.previous:
                raise StoreBusy
            by_key[key] = RecordChange(record=change.record, previous=earlier.previous)
        else:
            by_key[key] = change
    return changes if len(by_key) == len(changes) else list(by_key.values())


def _collapse_leads(changes: Sequence[LeadChange]) -> Sequence[LeadChange]:
    """At most one change per lead: a later one of the list is guarded against an earlier one."""
    by_id: dict[str, LeadChange] = {}
    for change in changes:
        if (earlier := by_id.get(change.lead.id)) is not None:
            if earlier.lead.version != change.previous_version:
                raise StoreBusy
            by_id[change.lead.id] = msgspec.structs.replace(
                change, previous_version=earlier.previous_version, keys=[*earlier.keys, *change.keys]
            )
        else:
            by_id[change.lead.id] = change
    return changes if len(by_id) == len(changes) else list(by_id.values())


def _supersede_within(deliveries: Sequence[OwedDelivery], now: Instant) -> Sequence[OwedDelivery]:
    """Of several deliveries of one sync and lead in the same list only the last stays pending (grain "lead")."""
    last: dict[tuple[str, str], int] = {}
    place: Callable[[], int] = count().__next__
    for row in deliveries:
        at = place()
        if row.grain == "lead":
            last[row.sync, row.lead_id] = at
    if len(last) == sum(row.grain == "lead" for row in deliveries):
        return deliveries
    return [
        msgspec.structs.replace(row, state="superseded", updated_at=now)
        if row.grain == "lead" and row.state == "pending" and last[row.sync, row.lead_id] != at
        else row
        for at, row in enumerate(deliveries)
    ]
