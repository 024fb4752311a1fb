"""Small values to drive a ledger with."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeAlias

import msgspec

from leadwire.model.delivery import Attempt, AttemptOutcome, ClaimedDelivery, OwedDelivery, Settlement
from leadwire.model.event import NewEvent, RawRequest
from leadwire.model.lead import Lead
from leadwire.model.pull import OwedFetch
from leadwire.model.record import Record, RecordKey, StoredRecord
from leadwire.model.times import SECOND, Instant, seconds
from leadwire.ports.delivery_queue import DeliveryClaim
from leadwire.ports.lead_book import Absorption, LeadChange, RecordChange
from leadwire.ports.ledger import Ledger
from leadwire.testing.manual_clock import START

__all__ = [
    "START",
    "Reopen",
    "a_fetch",
    "a_lead",
    "a_record",
    "absorb_lead",
    "an_attempt",
    "an_event",
    "an_owed",
    "at",
    "claim",
    "dead",
    "delivered",
    "lead_absorption",
    "waits",
]

Reopen: TypeAlias = Callable[[], Awaitable[Ledger]]


def at(after_start_s: float) -> Instant:
    """An instant so long after the start of every test."""
    return START + seconds(after_start_s)


def an_event(key: int = 0, *, source: str = "site", body: bytes = b"{}", received_at: Instant = START) -> NewEvent:
    """A pushed event; `key` tells it from others."""
    request = RawRequest(
        method="POST",
        path=f"/webhooks/{source}",
        query=b"",
        headers=(("content-type", "application/json"),),
        body=body,
        received_at=received_at,
    )
    return NewEvent(source=source, dedup_key=key.to_bytes(16, "big"), request=request)


def a_record(native_id: str, lead_id: str, **changes: Any) -> StoredRecord:
    """A record of the source "site"; `content` replaces what it says."""
    given = {
        "sequence": 0,
        "source": "site",
        "lead_id": lead_id,
        "via": "webhook",
        "received_at": START,
        "stored_at": START,
        "content": Record(native_id=native_id, kind="form"),
        "fingerprint": f"print of {native_id}",
    }
    return StoredRecord(**{**given, **changes})


def a_lead(lead_id: str, version: int = 1, **changes: Any) -> Lead:
    """A lead whose document tells its id and version."""
    document = msgspec.Raw(b'{"id":"%s","version":%d}' % (lead_id.encode(), version))
    given = {"id": lead_id, "version": version, "created_at": START, "document": document}
    return Lead(**{**given, "updated_at": START, "received_at": START, **changes})


def an_owed(lead_id: str, version: int = 1, *, sync: str = "crm", **changes: Any) -> OwedDelivery:
    """A pending delivery of this version; its destination has the sync's name. Its id is "LEAD_VERSION_SYNC"."""
    given = {
        "id": f"{lead_id}_{version}_{sync}",
        "sync": sync,
        "destination": sync,
        "lead_id": lead_id,
        "version": version,
        "owed_at": START,
        "received_at": START,
        "not_before": START,
        "updated_at": START,
    }
    return OwedDelivery(**{**given, **changes})


def a_fetch(native_id: str, **changes: Any) -> OwedFetch:
    """A fetch of the source "meta" that is due at the start."""
    given = {"source": "meta", "native_id": native_id, "scope": "page 1", "received_at": START, "not_before": START}
    return OwedFetch(**{**given, **changes})


def lead_absorption(
    lead_id: str,
    version: int = 1,
    *,
    when: Instant = START,
    keys: Sequence[str] = (),
    search: str = "",
    owed: Sequence[OwedDelivery] | None = None,
) -> Absorption:
    """One new record makes this version of a lead; it owes the sync "crm" unless `owed` says otherwise."""
    record = a_record(f"{lead_id}-{version}", lead_id, received_at=when, stored_at=when)
    change = LeadChange(
        lead=a_lead(lead_id, version, updated_at=when, received_at=when),
        previous_version=version - 1,
        keys=keys,
        search=search,
    )
    duty = an_owed(lead_id, version, owed_at=when, received_at=when, not_before=when, updated_at=when)
    return Absorption(
        records=[RecordChange(record=record, previous=None)],
        leads=[change],
        deliveries=[duty] if owed is None else owed,
    )


async def absorb_lead(ledger: Ledger, lead_id: str, version: int = 1, **given: Any) -> RecordKey:
    """Absorbs `lead_absorption`; answers the key of its record."""
    absorption = lead_absorption(lead_id, version, **given)
    await ledger.leads.absorb(absorption, given.get("when", START))
    return absorption.records[0].record.key


async def claim(
    ledger: Ledger, *, now: Instant, destination: str = "crm", limit: int = 100, lease_s: float = 60.0
) -> list[ClaimedDelivery]:
    """Claims what is due, in the order it became due."""
    asked = DeliveryClaim(
        destination=destination,
        limit=limit,
        fresh=0,
        fresh_since=now,
        now=now,
        lease_until=now + seconds(lease_s),
        owner="one",
    )
    return list(await ledger.deliveries.claim(asked))


def an_attempt(claimed: ClaimedDelivery, outcome: AttemptOutcome, status: int | None) -> Attempt:
    """The try that ends this claim."""
    row = claimed.delivery
    return Attempt(
        delivery_id=row.id,
        number=row.attempts + 1,
        started_at=row.updated_at,
        duration_us=SECOND,
        outcome=outcome,
        status=status,
        detail=f"said {status}",
    )


def delivered(claimed: ClaimedDelivery) -> Settlement:
    """It was delivered."""
    return _settlement(claimed, state="delivered", attempt=an_attempt(claimed, "delivered", 200))


def dead(claimed: ClaimedDelivery, reason: str = "refused") -> Settlement:
    """It was refused for good."""
    return _settlement(claimed, state="dead", reason=reason, attempt=an_attempt(claimed, "rejected", 422))


def waits(claimed: ClaimedDelivery, until: Instant, **changes: Any) -> Settlement:
    """It is tried again from `until` on."""
    tried = an_attempt(claimed, "retryable", 503)
    return _settlement(claimed, **{"state": "pending", "not_before": until, "attempt": tried, **changes})


def _settlement(claimed: ClaimedDelivery, **changes: Any) -> Settlement:
    row = claimed.delivery
    return Settlement(**{"delivery_id": row.id, "epoch": row.epoch, "not_before": row.not_before, **changes})
