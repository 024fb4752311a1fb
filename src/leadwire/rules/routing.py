"""Which deliveries a lead's new version owes, and which it takes back."""

import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec

from leadwire.model.changes import Withdrawal
from leadwire.model.delivery import Grain, OwedDelivery
from leadwire.model.record import RecordKey, StoredRecord
from leadwire.model.times import Instant
from leadwire.rules.mapping import Mapping, MappingInvalid


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """A configured sync as routing needs it: from which sources to which destination, for which leads."""

    sync: str
    destination: str
    sources: frozenset[str]
    mapping: Mapping
    grain: Grain = "lead"


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """A lead's new version: its document, its records, and which of them are new with this version."""

    lead_id: str
    number: int
    document: dict[str, Any]
    records: Sequence[StoredRecord]
    new_records: frozenset[RecordKey]
    received_at: Instant
    is_deliverable: bool


def owed(version: Version, route: Route, now: Instant) -> list[OwedDelivery] | Withdrawal | None:
    """What this version owes the route's destination: deliveries; a withdrawal where an earlier version may be owed and
    this one is not wanted; None where the route never concerned this lead."""
    if not any(record.source in route.sources for record in version.records):
        return None
    if not version.is_deliverable:
        return Withdrawal(sync=route.sync, lead_id=version.lead_id, reason="a test lead")
    try:
        is_wanted = route.mapping.wants(version.document)
        failure = None
    except MappingInvalid as error:
        is_wanted, failure = True, str(error)
    if not is_wanted:
        return Withdrawal(sync=route.sync, lead_id=version.lead_id, reason=f"{route.sync}'s where no longer wants it")
    if route.grain == "lead":
        return [_delivery(version, route, now, None, failure)]
    return [
        _delivery(version, route, now, record.key, failure)
        for record in version.records
        if record.source in route.sources and record.key in version.new_records
    ]


def _delivery(
    version: Version, route: Route, now: Instant, record: RecordKey | None, failure: str | None
) -> OwedDelivery:
    return OwedDelivery(
        id=delivery_id(version.lead_id, version.number if record is None else record, route.sync),
        sync=route.sync,
        destination=route.destination,
        lead_id=version.lead_id,
        version=version.number,
        grain=route.grain,
        record_source=record and record.source,
        record_native_id=record and record.native_id,
        state="pending" if failure is None else "dead",
        reason=failure,
        owed_at=now,
        received_at=version.received_at,
        not_before=now,
        updated_at=now,
    )


def delivery_id(lead_id: str, what: int | RecordKey, sync: str) -> str:
    """The delivery's id and idempotency key: the same for the same version (or record) and sync, whoever works it out.

    Letters, digits, "_" and "-" only, as the Standard Webhooks id wants it.
    """
    if isinstance(what, int):
        return f"{lead_id}_{what}_{sync}"
    return f"{lead_id}_r{hashlib.blake2b(repr(tuple(what)).encode(), digest_size=8).hexdigest()}_{sync}"
