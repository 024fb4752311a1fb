"""Webhooks as Meta sends them: grouped, signed, repeated for 36 hours, never replayed after that.

The exact spacing of the retries is not published; only "immediately, then less and less often over 36 hours" is.
"""

import heapq
from collections import Counter
from random import Random
from typing import Any
from urllib.parse import urlencode

import msgspec

from leadwire.model.times import HOUR, MINUTE, SECOND, Instant
from leadwire.simulators.chance import happens, spread
from leadwire.simulators.meta.book import App, SimLead
from leadwire.simulators.meta.faults import Faults
from leadwire.simulators.meta.signing import escaped_body, signature_headers
from leadwire.simulators.push import Push

RETRY_HORIZON: Instant = 36 * HOUR
RETRY_DELAYS: tuple[Instant, ...] = (
    0,
    15 * SECOND,
    MINUTE,
    5 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    4 * HOUR,
    6 * HOUR,
)
SAMPLE_ID = "444444444444"


class _Update(msgspec.Struct, frozen=True, kw_only=True):
    page_id: str
    field: str
    value: dict[str, Any]


class Hooks:
    """The queue between a submission and the receiver. A push is done at HTTP 200 only."""

    def __init__(self, random: Random, app: App) -> None:
        self.counts: Counter[str] = Counter()
        self._random = random
        self._app = app
        self._updates: list[tuple[Instant, int, _Update]] = []
        self._retries: list[tuple[Instant, int, Push]] = []
        self._first_sent_at: dict[int, Instant] = {}
        self._challenges: dict[int, str] = {}
        self._numbers = 0
        self.is_subscribed = True

    def announce(self, lead: SimLead, now: Instant, faults: Faults) -> None:
        """Queue the update of a lead, and with some luck a second one of the same."""
        update = _Update(page_id=lead.page_id, field="leadgen", value=_value(lead))
        due = now + spread(self._random, faults.webhook_delay_us, faults.webhook_delay_jitter_us)
        self._queue(due, update)
        if happens(self._random, faults.duplicate_webhook_share):
            self.counts["duplicated"] += 1
            self._queue(due + spread(self._random, 0, faults.duplicate_within_us), update)

    def sample(self, page_id: str, now: Instant) -> None:
        """Queue the app dashboard's "Test": ids that no lead has."""
        value = {"leadgen_id": SAMPLE_ID, "page_id": SAMPLE_ID, "form_id": SAMPLE_ID, "created_time": now // SECOND}
        self._queue(now, _Update(page_id=page_id, field="leadgen", value=value))

    def handshake(self, verify_token: str, now: Instant) -> None:
        """Queue the GET that proves the receiver knows the verify token; until it does, nothing else is sent."""
        self.is_subscribed = False
        challenge = str(self._random.randrange(1, 2**31))
        number = self._number()
        self._challenges[number] = challenge
        query = urlencode({"hub.mode": "subscribe", "hub.challenge": challenge, "hub.verify_token": verify_token})
        heapq.heappush(self._retries, (now, number, Push(number=number, method="GET", query=query)))

    def due(self, now: Instant, faults: Faults) -> list[Push]:
        """The pushes due by now: retries and handshakes as they are, fresh updates grouped into POSTs."""
        pushes = []
        while self._retries and self._retries[0][0] <= now:
            pushes.append(heapq.heappop(self._retries)[2])
        waiting = self._due_updates(now) if self.is_subscribed else []
        while waiting:
            size = self._random.randint(1, faults.updates_per_post_max) if faults.updates_per_post_max > 1 else 1
            pushes.append(self._post(waiting[:size], now, faults))
            waiting = waiting[size:]
        self.counts["sent"] += len(pushes)
        return pushes

    def acknowledge(self, push: Push, status: int | None, now: Instant, body: bytes) -> None:
        """Count a success, verify a handshake, or queue the next attempt until the horizon."""
        challenge = self._challenges.pop(push.number, None)
        if challenge is not None:
            self.is_subscribed = status == 200 and body == challenge.encode()
            self.counts["handshakes" if self.is_subscribed else "handshakes_failed"] += 1
            return
        if status == 200:
            self.counts["acknowledged"] += 1
            self._first_sent_at.pop(push.number, None)
            return
        delay = RETRY_DELAYS[min(push.attempt, len(RETRY_DELAYS)) - 1]
        due = now + delay
        if due - self._first_sent_at.get(push.number, now) > RETRY_HORIZON:
            self.counts["given_up"] += 1
            self._first_sent_at.pop(push.number, None)
            return
        self.counts["retried"] += 1
        again = msgspec.structs.replace(push, attempt=push.attempt + 1)
        heapq.heappush(self._retries, (due, self._number(), again))

    def next_at(self) -> Instant | None:
        """When the next push is due."""
        heads: list[Instant] = [self._retries[0][0]] if self._retries else []
        if self._updates and self.is_subscribed:
            heads.append(self._updates[0][0])
        return min(heads, default=None)

    def _queue(self, due: Instant, update: _Update) -> None:
        heapq.heappush(self._updates, (due, self._number(), update))

    def _number(self) -> int:
        self._numbers += 1
        return self._numbers

    def _due_updates(self, now: Instant) -> list[_Update]:
        waiting = []
        while self._updates and self._updates[0][0] <= now:
            waiting.append(heapq.heappop(self._updates)[2])
        return waiting

    def _post(self, updates: list[_Update], now: Instant, faults: Faults) -> Push:
        entries: dict[str, dict[str, Any]] = {}
        for update in updates:
            entry = entries.setdefault(update.page_id, {"id": update.page_id, "time": now // SECOND, "changes": []})
            value = update.value
            if happens(self._random, faults.numeric_id_share):
                value = {key: int(text) for key, text in value.items()}
            entry["changes"].append({"value": value, "field": update.field})
        if happens(self._random, faults.foreign_change_share):
            first = next(iter(entries.values()))
            first["changes"].append({"value": {"item": "comment", "message": "नमस्ते äöå"}, "field": "feed"})
        body = escaped_body({"object": "page", "entry": list(entries.values())})
        secret = "another secret" if happens(self._random, faults.bad_signature_share) else self._app.secret
        number = self._number()
        self._first_sent_at[number] = now
        self.counts["updates"] += len(updates)
        headers = {"Content-Type": "application/json", "User-Agent": "facebookexternalua"}
        return Push(number=number, headers=headers | signature_headers(secret, body), body=body)


def _value(lead: SimLead) -> dict[str, Any]:
    ids = {
        "form_id": lead.form_id,
        "leadgen_id": lead.id,
        "created_time": lead.created_at // SECOND,
        "page_id": lead.page_id,
    }
    if lead.origin.ad is not None:
        return ids | {"ad_id": lead.origin.ad.ad_id, "adgroup_id": lead.origin.ad.ad_id}
    return ids
