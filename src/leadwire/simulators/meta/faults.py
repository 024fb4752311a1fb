"""The switches of the Meta simulator. All off is a healthy platform."""

from typing import Literal

import msgspec

from leadwire.model.times import SECOND, Instant


class Faults(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Shares are 0 to 1, times are microseconds; `…_until` is an instant.

    Webhooks: `webhook_delay_us` (+ jitter, which also mixes the order) passes between a submission and its push;
    `dropped_webhook_share` of the leads are never pushed; `duplicate_webhook_share` are pushed again within
    `duplicate_within_us`; a POST carries 1 to `updates_per_post_max` updates; `foreign_change_share` of the POSTs also
    carry a change of another field; `numeric_id_share` of the updates write ids as bare numbers;
    `bad_signature_share` of the POSTs are signed with a wrong secret.
    Reading: a lead is readable `readable_after_us` after it was submitted (100/33 until then).
    `throttled_pages` maps a page id to the instant its limit ends (80005); `dead_tokens` maps a token to the subcode
    of its error 190; `leads_access` maps a page id to "missing" (100/33 for ever) or "denied" (200), as when Leads Access Manager
    was customised; `ads_fields` maps a page id to "fail" or "vanish" for the fields that need an ads permission.
    `limit_max` > 0 answers a larger page with HTTP 500 "reduce the amount of data"; `empty_page_share` of the pages
    are empty and have a `next`. `app_calls_per_hour` and `page_calls_per_day` > 0 are enforced and feed the usage headers.
    """

    latency_us: Instant = 0
    latency_jitter_us: Instant = 0
    webhook_delay_us: Instant = 0
    webhook_delay_jitter_us: Instant = 0
    dropped_webhook_share: float = 0.0
    duplicate_webhook_share: float = 0.0
    duplicate_within_us: Instant = 5 * SECOND
    updates_per_post_max: int = 1
    foreign_change_share: float = 0.0
    numeric_id_share: float = 0.0
    bad_signature_share: float = 0.0
    readable_after_us: Instant = 0
    server_error_share: float = 0.0
    batch_null_share: float = 0.0
    reset_share: float = 0.0
    hang_share: float = 0.0
    require_appsecret_proof: bool = False
    app_limit_until: Instant = 0
    custom_limit_until: Instant = 0
    throttled_pages: dict[str, Instant] = {}
    dead_tokens: dict[str, int] = {}
    leads_access: dict[str, Literal["missing", "denied"]] = {}
    ads_fields: dict[str, Literal["fail", "vanish"]] = {}
    limit_max: int = 0
    empty_page_share: float = 0.0
    app_calls_per_hour: int = 0
    page_calls_per_day: int = 0
