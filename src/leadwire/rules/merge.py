"""How observations of one record become one, and how a lead's records become its document."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import msgspec

from leadwire.model.record import Record, StoredRecord
from leadwire.model.times import Instant, to_iso
from leadwire.rules.emails import normal_email
from leadwire.rules.names import Names
from leadwire.rules.phones import normal_phone

_Value = TypeVar("_Value", bound=msgspec.Struct)
_encode = msgspec.json.Encoder(order="deterministic").encode

PERSON_FIELDS = ("email", "phone", "city", "country", "company")
LAST = 2**63 - 1


def fingerprint(content: Record) -> str:
    """Equal for equal content, whatever the order of its keys: 32 hex digits."""
    plain = msgspec.to_builtins(content)
    if not plain.get("attribution"):
        plain.pop("attribution", None)  # said to be empty, or not said: the same
    return hashlib.blake2b(_encode(plain), digest_size=16).hexdigest()


def observe(known: Record, seen: Record) -> Record:
    """One record of two observations of it: the newer one's values win, and what only one of them says is kept.

    Newer is the higher source_version, else the later occurred_at; a tie goes to `seen`, which came later. A table row is
    replaced whole, since its empty columns are values too.
    """
    older, newer = (seen, known) if _is_older(seen, known) else (known, seen)
    if newer.kind == "row":
        return newer
    return _overlay(older, newer)


def _is_older(seen: Record, known: Record) -> bool:
    if seen.source_version is not None and known.source_version is not None:
        return seen.source_version < known.source_version
    if seen.occurred_at is not None and known.occurred_at is not None:
        return seen.occurred_at < known.occurred_at
    return False


def _overlay(under: _Value, over: _Value) -> _Value:
    values: dict[str, Any] = {}
    for name in over.__struct_fields__:
        low, high = getattr(under, name), getattr(over, name)
        if high is None:
            values[name] = low
        elif isinstance(high, dict):
            values[name] = {**low, **high}
        elif isinstance(high, msgspec.Struct) and isinstance(low, msgspec.Struct):
            values[name] = _overlay(low, high)
        else:
            values[name] = high
    return type(over)(**values)


def in_order(records: Iterable[StoredRecord]) -> list[StoredRecord]:
    """Oldest first: by the source's time, a tie broken by arrival (a record without a sequence yet is the newest)."""
    return sorted(records, key=_order)


def happened_at(record: StoredRecord) -> Instant:
    """When it happened at the source; when we received it, where the source did not say."""
    occurred_at = record.content.occurred_at
    return record.received_at if occurred_at is None else occurred_at


def _order(record: StoredRecord) -> tuple[Instant, int]:
    return happened_at(record), record.sequence or LAST


def document(
    lead_id: str, version: int, records: Sequence[StoredRecord], *, now: Instant, region: str | None
) -> dict[str, Any]:
    """The lead document (docs/lead-document.md) of a lead with these records, given oldest first; there is at least one.

    A newer value replaces an older one and an absent value replaces none. E-mail and phone are in normal form where they
    have one, else as typed.
    """
    columns: dict[str, Any] = {}
    person: dict[str, Any] = {"full_name": None, "first_name": None, "last_name": None}
    person |= dict.fromkeys(PERSON_FIELDS)
    gathered: dict[str, Any] = {"answers": {}, "attribution": {}, "call": None, "activity": {}}
    for record in records:
        content = record.content
        columns.update(content.columns)
        person.update(_person(content, region))
        gathered["answers"].update(content.answers)
        gathered["activity"].update(content.activity)
        if attribution := msgspec.to_builtins(content.attribution):
            gathered["attribution"] = attribution
        if content.call is not None:
            gathered["call"] = {name: getattr(content.call, name) for name in content.call.__struct_fields__}
    standard = {
        "id": lead_id,
        "version": version,
        "created_at": to_iso(min(happened_at(record) for record in records)),
        "updated_at": to_iso(now),
        "is_test": all(record.content.is_test for record in records),
        **{name: value if value is not None else columns.get(name) for name, value in person.items()},
        **gathered,
        "records": [_line(record) for record in records],
    }
    return {**columns, **standard}


def _person(content: Record, region: str | None) -> dict[str, str | None]:
    said: dict[str, str | None] = {name: getattr(content, name) for name in PERSON_FIELDS}
    said["email"] = normal_email(content.email) or content.email
    said["phone"] = normal_phone(content.phone, region) or content.phone
    names = Names.of(content.full_name, content.first_name, content.last_name)
    if names.full is not None:  # names go together: a newer full name must not stand beside an older first name
        return {
            **{name: value for name, value in said.items() if value},
            "full_name": names.full,
            "first_name": names.first,
            "last_name": names.last,
        }
    return {name: value for name, value in said.items() if value}


def _line(record: StoredRecord) -> dict[str, Any]:
    occurred_at = record.content.occurred_at
    return {
        "source": record.source,
        "native_id": record.content.native_id,
        "kind": record.content.kind,
        "occurred_at": None if occurred_at is None else to_iso(occurred_at),
        "received_at": to_iso(record.received_at),
        "via": record.via,
    }
