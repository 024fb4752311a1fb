"""The switches of the CRM simulator. All off is a healthy CRM."""

import msgspec

from leadwire.model.times import Instant


class Scripted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One answer of a script; below 300 the request is handled as usual.

    `retry_after_s` adds a Retry-After header, in seconds or as an HTTP date.
    """

    status: int
    retry_after_s: int | None = None
    retry_after_as_date: bool = False


class Outage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From an instant until another the CRM answers `status`; 0 resets the connection."""

    from_at: Instant
    until_at: Instant
    status: int = 503


class Faults(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Shares are 0 to 1, times are microseconds. They hold for `POST /leads` only.

    Checked in this order: outages; `script` (one entry per request, then it is used up); `reset_share` and `hang_share` before any
    work; `server_error_share` (500); `error_body_share` (200 with an error inside, no work); a bad signature (401);
    `poison_leads` (ids) and `poison_texts` (anything in the body): 422; then the work is done and
    `lost_reply_share` of the answers never arrive. `drip_us` > 0 sends the answer byte by byte.
    """

    latency_us: Instant = 0
    latency_jitter_us: Instant = 0
    outages: tuple[Outage, ...] = ()
    script: tuple[Scripted, ...] = ()
    reset_share: float = 0.0
    hang_share: float = 0.0
    server_error_share: float = 0.0
    error_body_share: float = 0.0
    poison_leads: frozenset[str] = frozenset()
    poison_texts: tuple[str, ...] = ()
    lost_reply_share: float = 0.0
    drip_us: Instant = 0
