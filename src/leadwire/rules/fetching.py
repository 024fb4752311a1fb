"""What becomes of an owed id whose fetch brought no record. Nothing here ever forgets an id."""

import msgspec

from leadwire.model.errors import (
    NotYetReadable,
    PayloadInvalid,
    SourceAuthBroken,
    SourceError,
    SourceRefused,
    Throttled,
)
from leadwire.model.pull import FetchSettlement, OwedFetch
from leadwire.model.times import MINUTE, SECOND, Instant, seconds
from leadwire.rules.backoff import fetch_delay_s, retry_delay_s

AUTH_PROBE_AFTER = 10 * MINUTE
REASON_MAX = 500


class ScopePause(msgspec.Struct, frozen=True, kw_only=True):
    """The scope of the fetch must wait until then; `needs_human` where waiting alone won't help."""

    scope: str
    until: Instant
    reason: str
    needs_human: bool


def settle_fetch(
    owed: OwedFetch, error: SourceError, now: Instant, chance: float
) -> tuple[FetchSettlement, ScopePause | None]:
    """The fetch's next state and the pause of its scope, if any.

    Not yet readable: again within seconds, for minutes, then parked. Throttled: the scope waits until the source's own time.
    Refused credentials: every id stays owed, one probe every ten minutes. Refused for good: parked with the reason.
    """
    reason = str(error)[:REASON_MAX]
    match error:
        case NotYetReadable():
            delay_s = fetch_delay_s(owed.attempts + 1, (now - owed.received_at) / SECOND, chance)
            if delay_s is None:
                return _settlement(owed, "parked", now, reason), None
            return _settlement(owed, "pending", now + seconds(delay_s), reason), None
        case Throttled(until=until, scope=scope):
            pause = ScopePause(scope=scope, until=until, reason=reason, needs_human=False)
            return _settlement(owed, "pending", until, reason, counts=False), pause
        case SourceAuthBroken(scope=scope):
            until = now + AUTH_PROBE_AFTER
            pause = ScopePause(scope=scope, until=until, reason=reason, needs_human=True)
            return _settlement(owed, "pending", until, reason, counts=False), pause
        case SourceRefused() | PayloadInvalid():
            return _settlement(owed, "parked", now, reason), None
        case _:
            delay_s = min(retry_delay_s(owed.attempts + 1, chance), 300.0)
            return _settlement(owed, "pending", now + seconds(delay_s), reason), None


def _settlement(
    owed: OwedFetch, state: str, not_before: Instant, reason: str, *, counts: bool = True
) -> FetchSettlement:
    return FetchSettlement(
        source=owed.source,
        native_id=owed.native_id,
        epoch=owed.epoch,
        state="parked" if state == "parked" else "pending",
        not_before=not_before,
        reason=reason,
        counts=counts,
    )
