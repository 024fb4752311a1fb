"""What the CRM holds, and a log of every effect, so that an auditor can count: created, repeated, going backwards."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from leadwire.model.times import Instant

EffectKind = Literal["created", "updated", "repeated"]


class Effect(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One accepted POST. `key` is its webhook-id; "repeated" means that the key was seen before and nothing was done."""

    key: str
    lead_id: str
    version: int
    records: int
    at: Instant
    kind: EffectKind
    goes_backwards: bool = False


class Row(msgspec.Struct, kw_only=True):
    """A lead as the CRM holds it; `data` is the JSON it was given last."""

    id: str
    lead_id: str
    version: int
    writes: int
    first_at: Instant
    last_at: Instant
    data: msgspec.Raw


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """A lead document that arrived. Without an id of its own each new key makes a row."""

    key: str
    lead_id: str
    version: int
    records: int
    data: msgspec.Raw


class Ledger:
    """Rows by id. Idempotent: one row per lead id, written again by a new key. Else: one row per new key."""

    def __init__(self, *, idempotent: bool) -> None:
        self.effects: list[Effect] = []
        self.counts: Counter[str] = Counter()
        self._idempotent = idempotent
        self._rows: dict[str, Row] = {}
        self._row_of_key: dict[str, str] = {}
        self._newest_version: dict[str, int] = {}

    @property
    def rows(self) -> Mapping[str, Row]:
        """The rows by their id, in the order of creation."""
        return self._rows

    def take(self, arrival: Arrival, now: Instant) -> tuple[Row, EffectKind]:
        """Write a lead, or nothing if the key was seen; the effect is logged either way."""
        seen = self._row_of_key.get(arrival.key) if arrival.key else None
        if seen is not None:
            return self._rows[seen], self._log(arrival, now, "repeated")
        row_id = arrival.lead_id if self._idempotent and arrival.lead_id else f"row-{len(self._rows) + 1}"
        row = self._rows.get(row_id)
        kind: EffectKind = "created" if row is None else "updated"
        if row is None:
            row = Row(
                id=row_id,
                lead_id=arrival.lead_id,
                version=arrival.version,
                writes=1,
                first_at=now,
                last_at=now,
                data=arrival.data,
            )
            self._rows[row_id] = row
        else:
            row.version, row.data, row.last_at = arrival.version, arrival.data, now
            row.writes += 1
        if arrival.key:
            self._row_of_key[arrival.key] = row_id
        return row, self._log(arrival, now, kind)

    def audit(self) -> dict[str, Any]:
        """The counts that matter, whatever the mode: rows, distinct leads, repeats, versions going backwards."""
        leads = {row.lead_id or row.id for row in self._rows.values()}
        return {
            "rows": len(self._rows),
            "leads": len(leads),
            "duplicate_rows": len(self._rows) - len(leads),
            "created": self.counts["created"],
            "updated": self.counts["updated"],
            "repeated_keys": self.counts["repeated"],
            "versions_backwards": self.counts["backwards"],
            "effects": len(self.effects),
            "first_effect_at": self.effects[0].at if self.effects else None,
            "last_effect_at": self.effects[-1].at if self.effects else None,
        }

    def _log(self, arrival: Arrival, now: Instant, kind: EffectKind) -> EffectKind:
        newest = self._newest_version.get(arrival.lead_id, arrival.version) if arrival.lead_id else arrival.version
        goes_backwards = kind != "repeated" and arrival.version < newest
        if arrival.lead_id:
            self._newest_version[arrival.lead_id] = max(newest, arrival.version)
        self.counts[kind] += 1
        self.counts["backwards"] += goes_backwards
        effect = Effect(
            key=arrival.key,
            lead_id=arrival.lead_id,
            version=arrival.version,
            records=arrival.records,
            at=now,
            kind=kind,
            goes_backwards=goes_backwards,
        )
        self.effects.append(effect)
        return kind
