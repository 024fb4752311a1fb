"""What a destination is: one method that takes a batch and says of each delivery what became of it."""

from collections.abc import Sequence
from typing import Literal, Protocol

import msgspec

from leadwire.model.errors import DestinationError
from leadwire.model.times import Instant


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """What is owed to a destination. `key` is the idempotency key: one per version, the same in every attempt.

    `data` is the mapped lead as JSON bytes, the same in every attempt. `attempt` counts from 1. `uncertain` says that an
    earlier attempt may have been written.
    """

    key: str
    type: Literal["lead.created", "lead.updated"]
    lead_id: str
    version: int
    owed_at: Instant
    data: msgspec.Raw
    attempt: int
    uncertain: bool


class Delivered(msgspec.Struct, frozen=True, kw_only=True):
    """The destination has it. `status` is its answer's code; `note` flags what a human should know (a possible duplicate)."""

    status: int | None = None
    note: str | None = None


Receipt = Delivered | DestinationError


class Destination(Protocol):
    """A place that leads go to.

    Attributes, all optional: `batch_max` (deliveries per call, default 1); `is_safe_to_repeat` (default True): False where
    neither an upsert key nor an idempotency key makes a second try harmless. Then a try whose outcome is unknown becomes a
    dead letter that says so, and is never repeated by itself.
    """

    async def deliver(self, batch: Sequence[Delivery]) -> Sequence[Receipt]:
        """One receipt per delivery, in order. Raises a DestinationError or HttpFailed only where it concerns the whole batch."""
        ...
