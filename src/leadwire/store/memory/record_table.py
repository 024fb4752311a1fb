"""Records, for ever: an erased one keeps its key and nothing else."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from leadwire.model.record import Record, RecordKey, StoredRecord

_decode = msgspec.json.Decoder(StoredRecord).decode

ERASED = ""  # no content has this fingerprint


class RecordRow(NamedTuple):
    """A record as JSON, so that nobody can reach into what is stored, with what the guards and indexes look at."""

    sequence: int
    lead_id: str
    fingerprint: str
    body: bytes


@dataclass(slots=True)
class RecordTable:
    """Records by key, and the keys of every lead's records."""

    rows: dict[RecordKey, RecordRow] = field(default_factory=dict)
    of_lead: dict[str, dict[RecordKey, None]] = field(default_factory=dict)
    last_sequence: int = 0

    def put(self, record: StoredRecord) -> None:
        """Stores the record as it is to be; a new one gets the next sequence, a known one keeps its own."""
        key = record.key
        before = self.rows.get(key)
        if before is None:
            self.last_sequence += 1
            sequence = self.last_sequence
        else:
            sequence = before.sequence
            self.of_lead[before.lead_id].pop(key, None)
        body = msgspec.json.encode(msgspec.structs.replace(record, sequence=sequence))
        self.rows[key] = RecordRow(sequence, record.lead_id, record.fingerprint, body)
        self.of_lead.setdefault(record.lead_id, {})[key] = None

    def erase(self, key: RecordKey) -> int | None:
        """Leaves the bare key; answers the event that brought the record."""
        row = self.rows[key]
        record = _decode(row.body)
        bare = Record(native_id=key.native_id, kind=record.content.kind)
        blank = msgspec.structs.replace(record, content=bare, fingerprint=ERASED, event_sequence=None)
        self.rows[key] = row._replace(fingerprint=ERASED, body=msgspec.json.encode(blank))
        self.of_lead[row.lead_id].pop(key, None)
        return record.event_sequence

    def read(self, keys: Iterable[RecordKey]) -> list[StoredRecord]:
        """The known ones of these records, in the order of their arrival."""
        rows = [self.rows[key] for key in keys if key in self.rows]
        return [_decode(row.body) for row in sorted(rows)]

    def lead_records(self, lead_id: str) -> list[StoredRecord]:
        """A lead's records in the order of their arrival."""
        return self.read(self.of_lead.get(lead_id, ()))
