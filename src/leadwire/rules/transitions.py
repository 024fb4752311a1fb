"""What becomes of a delivery after a try, and of its lane. docs/lifecycle.md has a sentence for every arrow here."""

from typing import Literal

import msgspec

from leadwire.model.delivery import Attempt, AttemptOutcome, OwedDelivery, Settlement
from leadwire.model.errors import (
    DestinationAuthBroken,
    DestinationError,
    DestinationGone,
    OutcomeUnknown,
    Rejected,
    Retryable,
)
from leadwire.model.times import Instant, seconds
from leadwire.rules.backoff import retry_delay_s

DETAIL_MAX = 300


class RetryPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """How long a delivery stays owed, and whether sending it twice is safe (an upsert key or an idempotency key)."""

    horizon_s: float = 7 * 86_400.0
    is_safe_to_repeat: bool = True


class LaneEffect(msgspec.Struct, frozen=True, kw_only=True):
    """What a try says about the whole lane: is the destination available, and must the lane wait, why, how long (None = until resumed)."""

    is_available: bool
    pause: Literal["auth", "gone", "retry_after"] | None = None
    pause_for_s: float | None = None


class Try(msgspec.Struct, frozen=True, kw_only=True):
    """A try that ended. `failure` None: the destination has it. `chance` in [0, 1) spreads the retries."""

    started_at: Instant
    ended_at: Instant
    failure: DestinationError | None = None
    status: int | None = None
    note: str | None = None
    chance: float = 0.5


def settle(delivery: OwedDelivery, ended: Try, policy: RetryPolicy) -> tuple[Settlement, LaneEffect]:
    """The delivery's next state with its attempt, and what the lane does. Nothing ever leaves the queue but as delivered or dead."""
    failure = ended.failure
    if failure is None:
        return _settlement(delivery, ended, "delivered", "delivered", ended.note), LaneEffect(is_available=True)
    reason = str(failure)[:DETAIL_MAX]
    match failure:
        case Rejected():
            return _settlement(delivery, ended, "dead", "rejected", reason), LaneEffect(is_available=True)
        case DestinationAuthBroken():
            return _settlement(delivery, ended, "pending", "auth_broken", reason), LaneEffect(
                is_available=True, pause="auth"
            )
        case DestinationGone():
            return _settlement(delivery, ended, "pending", "gone", reason), LaneEffect(is_available=True, pause="gone")
        case OutcomeUnknown() if not policy.is_safe_to_repeat:
            reason = f"{reason} This destination has no key that makes a second try safe: look there first, then replay or drop it."
            return _settlement(delivery, ended, "dead", "unknown", reason), LaneEffect(is_available=False)
        case OutcomeUnknown():
            return _again(delivery, ended, policy, "unknown", reason), LaneEffect(is_available=False)
        case Retryable(after_s=after_s) if after_s is not None:
            effect = LaneEffect(is_available=True, pause="retry_after", pause_for_s=after_s)
            return _again(delivery, ended, policy, "retryable", reason), effect
        case _:
            return _again(delivery, ended, policy, "retryable", reason), LaneEffect(is_available=False)


def _again(delivery: OwedDelivery, ended: Try, policy: RetryPolicy, outcome: AttemptOutcome, reason: str) -> Settlement:
    after_s = getattr(ended.failure, "after_s", None) or 0.0
    wait_s = max(after_s, retry_delay_s(delivery.attempts + 1, ended.chance))
    if ended.ended_at + seconds(wait_s) - delivery.owed_at > seconds(policy.horizon_s):
        days = policy.horizon_s / 86_400
        return _settlement(
            delivery, ended, "dead", outcome, f"gave up after {days:g} days; the last try said: {reason}"
        )
    return _settlement(delivery, ended, "pending", outcome, reason, seconds(wait_s))


def _settlement(
    delivery: OwedDelivery,
    ended: Try,
    state: Literal["pending", "delivered", "dead"],
    outcome: AttemptOutcome,
    reason: str | None,
    wait: Instant = 0,
) -> Settlement:
    status = ended.status if ended.failure is None else ended.failure.status
    return Settlement(
        delivery_id=delivery.id,
        epoch=delivery.epoch,
        state=state,
        not_before=ended.ended_at + wait,
        uncertain=state != "delivered" and (delivery.uncertain or outcome == "unknown"),
        reason=reason,
        attempt=Attempt(
            delivery_id=delivery.id,
            number=delivery.attempts + 1,
            started_at=ended.started_at,
            duration_us=ended.ended_at - ended.started_at,
            outcome=outcome,
            status=status,
            detail=reason,
        ),
    )


def must_not_repeat(delivery: OwedDelivery, policy: RetryPolicy) -> bool:
    """Whether a claimed delivery may not be sent: the process ended during an earlier try, and a second one is not safe.

    A replay by hand counts its tries from 0 and is sent: someone looked.
    """
    return delivery.uncertain and delivery.attempts > 0 and not policy.is_safe_to_repeat


def release(delivery: OwedDelivery, now: Instant) -> Settlement:
    """A claim that ends without a try: pending again and due at once."""
    return Settlement(
        delivery_id=delivery.id,
        epoch=delivery.epoch,
        state="pending",
        not_before=min(delivery.not_before, now),
        uncertain=delivery.uncertain,
        reason=delivery.reason,
    )
