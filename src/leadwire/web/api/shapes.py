"""The JSON shapes of the API. Times are ISO 8601 in UTC, ids are strings; what a client sends may carry no unknown key."""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec

from leadwire.model.delivery import Attempt, DeliveryState, OwedDelivery
from leadwire.model.event import StoredEvent
from leadwire.model.lead import DeskEntry, DeskState, Merge
from leadwire.model.pull import OwedFetch
from leadwire.model.record import StoredRecord
from leadwire.model.times import Instant, to_iso
from leadwire.ports.accounts import ApiToken, Role, Scope, User

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
Ids = Annotated[list[Text], msgspec.Meta(min_length=1, max_length=10_000)]
UserName = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9._@-]{0,63}$")]
Sequences = Annotated[
    list[Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]], msgspec.Meta(min_length=1, max_length=10_000)
]


class LeadPage(msgspec.Struct, frozen=True, kw_only=True):
    """Lead documents, newest first."""

    items: list[dict[str, Any]]
    next: str | None


class DeliveryItem(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery."""

    id: str
    lead_id: str
    destination: str
    sync: str
    version: int
    state: DeliveryState
    attempts: int
    reason: str | None
    last_status: int | None
    not_before: str
    updated_at: str


class DeliveryPage(msgspec.Struct, frozen=True, kw_only=True):
    """Deliveries, newest first."""

    items: list[DeliveryItem]
    next: str | None


class AttemptItem(msgspec.Struct, frozen=True, kw_only=True):
    """One try."""

    delivery_id: str
    number: int
    started_at: str
    duration_ms: float
    outcome: str
    status: int | None
    detail: str | None


class DeliveryDetail(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery with its tries, oldest first."""

    delivery: DeliveryItem
    attempts: list[AttemptItem]


class DeliveryWhich(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which deliveries; every given field must match, and at least one is given."""

    destination: Text | None = None
    sync: Text | None = None
    lead_id: Text | None = None
    state: DeliveryState | None = None


class ReplayDeliveries(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Either ids or a filter."""

    ids: Ids | None = None
    filter: DeliveryWhich | None = None
    dry_run: bool = False


class DropDeliveries(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Either ids or a filter, and why."""

    reason: Text
    ids: Ids | None = None
    filter: DeliveryWhich | None = None


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """How many are (or, at a dry run, would be) tried again."""

    replayed: int


class Dropped(msgspec.Struct, frozen=True, kw_only=True):
    """How many will not be tried again."""

    dropped: int


class FetchItem(msgspec.Struct, frozen=True, kw_only=True):
    """An id that a source told us."""

    source: str
    id: str
    scope: str
    state: str
    attempts: int
    reason: str | None
    received_at: str
    not_before: str
    updated_at: str


class FetchPage(msgspec.Struct, frozen=True, kw_only=True):
    """Fetches, newest first."""

    items: list[FetchItem]
    next: str | None


class ReplayFetches(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The parked ids of a source, the parked ones of some scopes (pages), or all parked ones of it."""

    source: Text
    ids: Ids | None = None
    scopes: Ids | None = None


class EventItem(msgspec.Struct, frozen=True, kw_only=True):
    """A pushed event, without its body."""

    id: int
    source: str
    state: str
    attempts: int
    reason: str | None
    received_at: str
    stored_at: str
    body_bytes: int


class EventPage(msgspec.Struct, frozen=True, kw_only=True):
    """Events, newest first."""

    items: list[EventItem]
    next: str | None


class ReplayEvents(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """These quarantined events; without ids the newest 10,000."""

    ids: Sequences | None = None


class DeskItem(msgspec.Struct, frozen=True, kw_only=True):
    """What the sales desk did with a lead."""

    lead_id: str
    state: DeskState
    claimed_by: str | None
    claimed_at: str | None
    opened_at: str | None
    first_touch_at: str | None


class DeskAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who acts: a program names the user, a signed-in person is it."""

    user: UserName | None = None


class RecordName(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A record's key."""

    source: Text
    native_id: Annotated[str, msgspec.Meta(min_length=1, max_length=1_000)]


class SplitAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which records leave the lead."""

    records: Annotated[list[RecordName], msgspec.Meta(min_length=1, max_length=1_000)]


class SplitDone(msgspec.Struct, frozen=True, kw_only=True):
    """The lead that the records are in now."""

    lead_id: str


class PauseAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why; it stands on the operations page."""

    reason: Text = "paused by hand"


class LaneDone(msgspec.Struct, frozen=True, kw_only=True):
    """A lane's new state; `changed` is false where it was so already."""

    destination: str
    paused: bool
    changed: bool


class TokenAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new token."""

    scopes: Annotated[list[Scope], msgspec.Meta(min_length=1)] = msgspec.field(
        default_factory=lambda: list[Scope](("read", "write", "trigger"))
    )
    name: Annotated[str, msgspec.Meta(max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""
    expires_in_s: Annotated[int, msgspec.Meta(ge=60, le=10 * 366 * 86_400)] | None = None


class TokenMade(msgspec.Struct, frozen=True, kw_only=True):
    """The token, shown this once."""

    token: str
    id: str
    scopes: list[Scope]


class TokenItem(msgspec.Struct, frozen=True, kw_only=True):
    """A token without its secret."""

    id: str
    name: str
    scopes: list[Scope]
    created_at: str
    expires_at: str | None
    revoked_at: str | None
    last_used_at: str | None


class TokenPage(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens, newest first."""

    items: list[TokenItem]
    next: str | None


class UserAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new user; without a password they come in by a sign-in link and set one."""

    name: UserName
    role: Role = "rep"
    password: str | None = None


class UserItem(msgspec.Struct, frozen=True, kw_only=True):
    """A user."""

    name: str
    role: Role
    created_at: str
    disabled_at: str | None
    has_password: bool


class UserPage(msgspec.Struct, frozen=True, kw_only=True):
    """Users by name."""

    items: list[UserItem]
    next: str | None


class SignInLink(msgspec.Struct, frozen=True, kw_only=True):
    """A link that signs one person in, once, within 15 minutes."""

    name: str
    link: str
    expires_in_s: int


def delivery_item(delivery: OwedDelivery) -> DeliveryItem:
    return DeliveryItem(
        id=delivery.id,
        lead_id=delivery.lead_id,
        destination=delivery.destination,
        sync=delivery.sync,
        version=delivery.version,
        state=delivery.state,
        attempts=delivery.attempts,
        reason=delivery.reason,
        last_status=delivery.last_status,
        not_before=to_iso(delivery.not_before),
        updated_at=to_iso(delivery.updated_at),
    )


def attempt_item(attempt: Attempt) -> AttemptItem:
    return AttemptItem(
        delivery_id=attempt.delivery_id,
        number=attempt.number,
        started_at=to_iso(attempt.started_at),
        duration_ms=attempt.duration_us / 1_000,
        outcome=attempt.outcome,
        status=attempt.status,
        detail=attempt.detail,
    )


def fetch_item(fetch: OwedFetch) -> FetchItem:
    return FetchItem(
        source=fetch.source,
        id=fetch.native_id,
        scope=fetch.scope,
        state=fetch.state,
        attempts=fetch.attempts,
        reason=fetch.reason,
        received_at=to_iso(fetch.received_at),
        not_before=to_iso(fetch.not_before),
        updated_at=to_iso(fetch.updated_at),
    )


def event_item(event: StoredEvent) -> EventItem:
    return EventItem(
        id=event.sequence,
        source=event.source,
        state=event.state,
        attempts=event.attempts,
        reason=event.reason,
        received_at=to_iso(event.request.received_at),
        stored_at=to_iso(event.stored_at),
        body_bytes=len(event.request.body),
    )


def desk_item(entry: DeskEntry) -> DeskItem:
    return DeskItem(
        lead_id=entry.lead.id,
        state=entry.state,
        claimed_by=entry.claimed_by,
        claimed_at=iso(entry.claimed_at),
        opened_at=iso(entry.opened_at),
        first_touch_at=iso(entry.first_touch_at),
    )


def token_item(token: ApiToken) -> TokenItem:
    return TokenItem(
        id=token.id,
        name=token.name,
        scopes=list(token.scopes),
        created_at=to_iso(token.created_at),
        expires_at=iso(token.expires_at),
        revoked_at=iso(token.revoked_at),
        last_used_at=iso(token.last_used_at),
    )


def user_item(user: User) -> UserItem:
    return UserItem(
        name=user.name,
        role=user.role,
        created_at=to_iso(user.created_at),
        disabled_at=iso(user.disabled_at),
        has_password=user.password_hash is not None,
    )


def iso(instant: Instant | None) -> str | None:
    """ISO 8601, or None."""
    return None if instant is None else to_iso(instant)


def record_line(record: StoredRecord, event_stored_at: Instant | None) -> dict[str, Any]:
    """A record in a timeline."""
    return {
        "source": record.source,
        "native_id": record.content.native_id,
        "kind": record.content.kind,
        "via": record.via,
        "occurred_at": iso(record.content.occurred_at),
        "received_at": to_iso(record.received_at),
        "stored_at": to_iso(event_stored_at or record.stored_at),
        "resolved_at": to_iso(record.stored_at),
    }


def merge_lines(merges: Sequence[Merge]) -> list[dict[str, Any]]:
    """Merges in a timeline."""
    return [
        {
            "id": merge.id,
            "kept": merge.kept,
            "absorbed": merge.absorbed,
            "reason": merge.reason,
            "merged_at": to_iso(merge.merged_at),
            "undone_at": iso(merge.undone_at),
        }
        for merge in merges
    ]
