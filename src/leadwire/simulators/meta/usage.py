"""How much of its limits an app and its pages have used, and the headers that say so."""

import json
from collections import Counter

from leadwire.model.times import DAY, HOUR, MINUTE, Instant
from leadwire.simulators.meta.faults import Faults


class Usage:
    """Counts calls per hour for the app and per day for each page. Windows start at whole hours and days."""

    def __init__(self) -> None:
        self._hour = -1
        self._day = -1
        self._app_calls = 0
        self._page_calls: Counter[str] = Counter()

    def count(self, page_id: str | None, now: Instant) -> None:
        """One call; refused calls count too, as they do at Meta."""
        if now // HOUR != self._hour:
            self._hour = now // HOUR
            self._app_calls = 0
        if now // DAY != self._day:
            self._day = now // DAY
            self._page_calls.clear()
        self._app_calls += 1
        if page_id is not None:
            self._page_calls[page_id] += 1

    def app_is_over(self, faults: Faults) -> bool:
        """True when the app used up its hour."""
        return 0 < faults.app_calls_per_hour < self._app_calls

    def page_limited_until(self, page_id: str, faults: Faults, now: Instant) -> Instant:
        """When the page may call again; at or before `now` means that it may."""
        until = faults.throttled_pages.get(page_id, 0)
        if 0 < faults.page_calls_per_day < self._page_calls[page_id]:
            until = max(until, (now // DAY + 1) * DAY)
        return until

    def headers(self, page_id: str | None, business_id: str, faults: Faults, now: Instant) -> dict[str, str]:
        """X-App-Usage in per cent, and X-Business-Use-Case-Usage with the minutes until the page may call again."""
        app = _percent(self._app_calls, faults.app_calls_per_hour)
        shown = {"x-app-usage": json.dumps({"call_count": app, "total_time": app, "total_cputime": app})}
        if page_id is None:
            return shown
        until = self.page_limited_until(page_id, faults, now)
        share = 100 if until > now else _percent(self._page_calls[page_id], faults.page_calls_per_day)
        entry = {
            "type": "leadgen",
            "call_count": share,
            "total_cputime": share,
            "total_time": share,
            "estimated_time_to_regain_access": max(0, -(-(until - now) // MINUTE)),
        }
        shown["x-business-use-case-usage"] = json.dumps({business_id: [entry]})
        return shown


def _percent(calls: int, limit: int) -> int:
    return min(100, calls * 100 // limit) if limit > 0 else min(10, calls // 100)
