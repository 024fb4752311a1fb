"""The switches of the Knowlarity simulator. All off is a healthy platform."""

from typing import Literal

import msgspec

from leadwire.model.times import SECOND, Instant


class Faults(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Shares are 0 to 1, times are microseconds; `…_until` is an instant.

    Call log: a call is listed `visible_after_us` after it ended, its recording `recording_after_us` after it ended.
    A `+` that was not escaped arrives as a blank: "misread" drops the offset and takes the time as UTC, "refuse" is a 400.
    `drift_share` of the listed fields change their type (text or number); `prefixed_agent_share` of the answered calls
    carry a status before the agent's number; `withheld_share` of the customers hide their number.
    `limit_max` caps the page, whatever was asked. `forbidden` is the gateway's 403, `throttled_until` its 429.
    Hooks: `push_shape` is the shape that was set in the dashboard. There is no retry.
    Stream: `dropped_event_share` of the events never come, at `stream_drop_share` of the events the stream is cut,
    nothing is replayed; comments come every `comment_every_us` (0 = never).
    """

    latency_us: Instant = 0
    latency_jitter_us: Instant = 0
    visible_after_us: Instant = 0
    recording_after_us: Instant = 0
    unescaped_plus: Literal["misread", "refuse"] = "misread"
    order: Literal["newest", "oldest"] = "newest"
    drift_share: float = 0.0
    prefixed_agent_share: float = 0.0
    withheld_share: float = 0.0
    limit_max: int = 1000
    forbidden: bool = False
    throttled_until: Instant = 0
    server_error_share: float = 0.0
    reset_share: float = 0.0
    hang_share: float = 0.0
    push_shape: Literal["json", "form", "query"] = "json"
    push_delay_us: Instant = 0
    push_delay_jitter_us: Instant = 0
    dropped_push_share: float = 0.0
    duplicate_push_share: float = 0.0
    stream_crlf: bool = True
    comment_every_us: Instant = 15 * SECOND
    dropped_event_share: float = 0.0
    stream_drop_share: float = 0.0
