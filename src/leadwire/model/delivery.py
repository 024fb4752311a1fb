"""A delivery: the duty to bring one lead (or record) to one destination; an attempt: one try at it."""

from typing import Literal

import msgspec

from leadwire.model.times import Instant

DeliveryState = Literal["pending", "leased", "delivered", "dead", "superseded", "cancelled"]
Grain = Literal["lead", "record"]
AttemptOutcome = Literal["delivered", "retryable", "rejected", "auth_broken", "gone", "unknown"]


class OwedDelivery(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery as the queue keeps it. `id` is also its idempotency key: one per version, the same in every attempt.

    `attempts` counts finished tries; `epoch` grows with every claim; `uncertain` says that some attempt's outcome is
    unknown. `received_at` is when the change that is owed reached us.
    """

    id: str
    sync: str
    destination: str
    lead_id: str
    version: int
    owed_at: Instant
    received_at: Instant
    not_before: Instant
    updated_at: Instant
    grain: Grain = "lead"
    record_source: str | None = None
    record_native_id: str | None = None
    state: DeliveryState = "pending"
    attempts: int = 0
    epoch: int = 0
    lease_until: Instant | None = None
    owner: str | None = None
    uncertain: bool = False
    reason: str | None = None
    last_status: int | None = None
    delivered_at: Instant | None = None


class ClaimedDelivery(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery under our lease with what must be sent. `document` is the lead document of `version`;
    `is_first` says that no version of this lead was ever delivered for this sync."""

    delivery: OwedDelivery
    document: msgspec.Raw
    is_first: bool


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One finished try. `detail` is the destination's or our own words, bounded and without lead data."""

    delivery_id: str
    number: int
    started_at: Instant
    duration_us: int
    outcome: AttemptOutcome
    status: int | None = None
    detail: str | None = None


class Settlement(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of a claimed delivery, decided by rules.transitions. Refused by the store unless `epoch` is the current one.

    `attempt` is None where the claim ended without a try (released at shutdown).
    """

    delivery_id: str
    epoch: int
    state: Literal["pending", "delivered", "dead"]
    not_before: Instant
    uncertain: bool = False
    reason: str | None = None
    attempt: Attempt | None = None
