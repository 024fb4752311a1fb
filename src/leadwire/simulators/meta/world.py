"""The simulated Meta: submissions in, webhooks out, Graph calls answered. Time and chance come in by argument."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

import msgspec

from leadwire.model.times import Instant
from leadwire.simulators.chance import happens, spread
from leadwire.simulators.exchange import WorldAnswer, WorldRequest
from leadwire.simulators.meta import refusal
from leadwire.simulators.meta.ask import VERSIONS, Ask, read_item, read_request
from leadwire.simulators.meta.book import App, Form, LeadBook, Origin, Page, SimLead
from leadwire.simulators.meta.faults import Faults
from leadwire.simulators.meta.graph import Graph
from leadwire.simulators.meta.hooks import Hooks
from leadwire.simulators.meta.refusal import Refused
from leadwire.simulators.meta.subscriptions import Subscriptions
from leadwire.simulators.meta.usage import Usage
from leadwire.simulators.push import Push

_BATCH_ITEMS_MAX = 50
_FIRST_LEAD_ID = 1_000_000_000_000_000
_GATEWAY_PAGE = (
    b"<!DOCTYPE html><html><head><title>Error</title></head><body>Sorry, something went wrong.</body></html>"
)


class MetaWorld:
    """A stand-in of the Graph API and of Meta's lead webhooks. All pages start subscribed."""

    def __init__(self, random: Random, *, app: App, pages: Sequence[Page], faults: Faults | None = None) -> None:
        self._random = random
        self._book = LeadBook(app, pages)
        self._hooks = Hooks(random, app)
        self._subscriptions = Subscriptions(app, self._hooks, self._book.pages)
        self._graph = Graph(random, self._book, self._subscriptions, self.submit)
        self._usage = Usage()
        self._calls: Counter[str] = Counter()
        self.faults = faults or Faults()

    @property
    def app(self) -> App:
        """The registered app, secrets included."""
        return self._book.app

    @property
    def pages(self) -> Mapping[str, Page]:
        """The pages by id."""
        return self._book.pages

    @property
    def leads(self) -> Mapping[str, SimLead]:
        """Every lead that exists, by id, in the order of submission."""
        return self._book.leads

    @property
    def faults(self) -> Faults:
        """The switches; set a new value to change them."""
        return self._graph.faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        self._graph.faults = faults

    def add_form(self, page_id: str, form: Form) -> None:
        """A form that appears while the world runs; raises KeyError for an unknown page."""
        self._book.add_form(page_id, form)

    def submit(
        self,
        page_id: str,
        form_id: str,
        now: Instant,
        answers: Mapping[str, Sequence[str]],
        origin: Origin | None = None,
    ) -> SimLead:
        """A person sends a form: the lead exists from now on, and its webhook is queued unless a switch drops it."""
        order = self._calls["submitted"] + 1
        self._calls["submitted"] = order
        is_dropped = happens(self._random, self.faults.dropped_webhook_share)
        lead = SimLead(
            id=str(_FIRST_LEAD_ID + order * 7),
            order=order,
            page_id=page_id,
            form_id=form_id,
            created_at=now,
            answers=tuple((name, tuple(values)) for name, values in answers.items()),
            origin=origin or Origin(),
            is_push_dropped=is_dropped,
        )
        self._book.add(lead)
        if self._subscriptions.sends_leads_of(page_id) and not is_dropped:
            self._hooks.announce(lead, now, self.faults)
        return lead

    def send_dashboard_sample(self, page_id: str, now: Instant) -> None:
        """The app dashboard's "Test" button: a webhook whose ids no lead has."""
        self._hooks.sample(page_id, now)

    def notifications_due(self, now: Instant) -> list[Push]:
        """The webhooks due by now, each to be sent once and then acknowledged."""
        return self._hooks.due(now, self.faults)

    def acknowledge(self, push: Push, status: int | None, now: Instant, body: bytes = b"") -> None:
        """What became of a webhook; anything but 200 is repeated for 36 hours."""
        self._hooks.acknowledge(push, status, now, body)

    def next_push_at(self) -> Instant | None:
        """When the next webhook is due, None while nothing waits."""
        return self._hooks.next_at()

    def snapshot(self) -> dict[str, Any]:
        """Counts for tests and people: leads, webhooks, calls."""
        dropped = sum(lead.is_push_dropped for lead in self._book.leads.values())
        return {
            "leads": len(self._book.leads),
            "webhooks_never_sent": dropped,
            "webhooks": dict(self._hooks.counts),
            "calls": {name: count for name, count in self._calls.items() if name != "submitted"},
        }

    def handle(self, request: WorldRequest, now: Instant) -> WorldAnswer:
        """Answer a Graph call as Meta would at this time."""
        faults = self.faults
        if happens(self._random, faults.reset_share):
            return WorldAnswer(fault="reset")
        if happens(self._random, faults.hang_share):
            return WorldAnswer(fault="hang")
        self._calls["requests"] += 1
        delay = spread(self._random, faults.latency_us, faults.latency_jitter_us)
        if happens(self._random, faults.server_error_share / 2):
            headers = {"content-type": "text/html; charset=utf-8"}
            return WorldAnswer(status=503, headers=headers, body=_GATEWAY_PAGE, delay_us=delay)
        version = VERSIONS[0]
        try:
            ask = read_request(request, now)
            version = ask.version
            if ask.method == "POST" and not ask.object_id and "batch" in ask.params:
                answered: tuple[int, dict[str, str], Any] = (200, {}, self._batch(ask))
            else:
                answered = self._call(ask)
        except Refused as refused:
            answered = (refused.status, {}, refused.envelope(self._random))
        status, headers, payload = answered
        return _answer(status, headers | _version_headers(version), payload, delay)

    def _call(self, ask: Ask) -> tuple[int, dict[str, str], Any]:
        page: Page | None = None
        self._calls[f"{ask.method} {ask.edge or 'node'}"] += 1
        try:
            caller = self._graph.caller(ask)
            page = self._graph.page_of(ask, caller)
            self._usage.count(None if page is None else page.id, ask.now)
            self._check_limits(page, ask)
            status, payload = 200, self._graph.answer(ask, caller)
        except Refused as refused:
            status, payload = refused.status, refused.envelope(self._random)
            self._calls[f"error {refused.error['code']}"] += 1
        page_id, business_id = (None, "") if page is None else (page.id, page.business_id)
        return status, self._usage.headers(page_id, business_id, self.faults, ask.now), payload

    def _check_limits(self, page: Page | None, ask: Ask) -> None:
        faults = self.faults
        if happens(self._random, faults.server_error_share / 2):
            raise refusal.server_error(self._random.choice((1, 2)))
        if page is not None and ask.now < self._usage.page_limited_until(page.id, faults, ask.now):
            raise refusal.leadgen_limit()
        if ask.now < faults.app_limit_until or self._usage.app_is_over(faults):
            raise refusal.app_limit()
        if ask.now < faults.custom_limit_until:
            raise refusal.custom_limit()

    def _batch(self, outer: Ask) -> list[Any]:
        self._graph.caller(outer)
        items = outer.json("batch")
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise refusal.bad_parameter("Param batch must be an array of objects")
        if len(items) > _BATCH_ITEMS_MAX:
            raise Refused(
                -3,
                f"Too many requests in batch message. Maximum batch size is {_BATCH_ITEMS_MAX}",
                kind="GraphBatchException",
            )
        self._calls["batches"] += 1
        with_headers = outer.params.get("include_headers", "true").lower() not in {"false", "0"}
        return [self._item(item, outer, with_headers) for item in items]

    def _item(self, item: Mapping[str, Any], outer: Ask, with_headers: bool) -> dict[str, Any] | None:
        if happens(self._random, self.faults.batch_null_share):
            self._calls["batch nulls"] += 1
            return None
        try:
            ask = read_item(item, outer)
            status, headers, payload = self._call(ask)
        except Refused as refused:
            status, headers, payload = refused.status, {}, refused.envelope(self._random)
        shown: dict[str, Any] = {"code": status, "body": json.dumps(payload, separators=(",", ":"))}
        if with_headers:
            headers["Content-Type"] = "application/json; charset=UTF-8"
            shown["headers"] = [{"name": name, "value": value} for name, value in headers.items()]
        return shown


def _version_headers(version: str) -> dict[str, str]:
    warning = (
        {"x-ad-api-version-warning": f"The call has been auto-upgraded from {version}"}
        if version == VERSIONS[0]
        else {}
    )
    return {"facebook-api-version": version} | warning


def _answer(status: int, headers: dict[str, str], payload: Any, delay_us: Instant) -> WorldAnswer:
    kind = {"content-type": "application/json; charset=UTF-8"}
    if status != 200:
        kind["www-authenticate"] = 'OAuth "Facebook Platform"'
    return WorldAnswer(status=status, headers=kind | headers, body=msgspec.json.encode(payload), delay_us=delay_us)
