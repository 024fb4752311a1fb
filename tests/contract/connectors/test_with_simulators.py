"""The connectors against the simulated services: what one side sends the other understands, faults included."""

from collections.abc import Sequence
from random import Random
from typing import Protocol
from urllib.parse import urlsplit

import msgspec
import pytest

from leadwire.connectors.http.destination import HttpDestination
from leadwire.connectors.http.settings import HttpSettings
from leadwire.connectors.knowlarity.settings import KnowlaritySettings
from leadwire.connectors.knowlarity.source import Knowlarity
from leadwire.connectors.meta_lead_ads.settings import MetaSettings
from leadwire.connectors.meta_lead_ads.source import MetaLeadAds
from leadwire.sdk import (
    MINUTE,
    SECOND,
    Delivered,
    HttpAnswer,
    HttpRequest,
    Ignored,
    Instant,
    NotSent,
    NotYetReadable,
    OutcomeUnknown,
    Parsed,
    Pointer,
    RawRequest,
    Record,
    Rejected,
    ReplyLost,
    Retryable,
    SignatureInvalid,
    SourceAuthBroken,
    SourceError,
    SourceRefused,
    SourceUnavailable,
    Throttled,
    Tools,
    decode_setting,
)
from leadwire.simulators.crm import faults as crm_faults
from leadwire.simulators.crm.world import CrmWorld
from leadwire.simulators.exchange import World, WorldRequest
from leadwire.simulators.knowlarity import faults as call_faults
from leadwire.simulators.knowlarity.book import Account, Dialled
from leadwire.simulators.knowlarity.world import KnowlarityWorld
from leadwire.simulators.meta import faults as meta_faults
from leadwire.simulators.meta.book import Ad, App, Form, Origin, Page, Question
from leadwire.simulators.meta.world import MetaWorld
from leadwire.simulators.push import Push
from leadwire.testing.connector_contract import make_deliveries

START: Instant = 1_772_000_000_000_000
PAGE, FORM = "138124712925158", "172036835026334"
APP = App(id="9", name="App", secret="app_secret", verify_token="verify", user_token="USER")
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
AD = Ad(ad_id="1", ad_name="Ad", adset_id="2", adset_name="Set", campaign_id="3", campaign_name="Spring")
ANSWERS = {
    "full_name": ["प्रिया शर्मा"],
    "email": ["priya@example.com"],
    "phone_number": ["p:+919829123199"],
    "car": ["a", "b"],
}


class Time:
    """The one clock of a world and its connector."""

    def __init__(self) -> None:
        self.now = START


class WorldHttp:
    """An `Http` whose far side is a simulated world."""

    def __init__(self, world: World, time: Time) -> None:
        self._world = world
        self._time = time

    async def send(self, request: HttpRequest) -> HttpAnswer:
        parts = urlsplit(request.url)
        asked = WorldRequest(
            method=request.method,
            path=parts.path,
            query=parts.query,
            headers={"host": parts.netloc, **request.headers},
            body=request.body,
        )
        answer = self._world.handle(asked, self._time.now)
        if answer.fault == "reset":
            raise NotSent
        if answer.fault != "none":
            raise ReplyLost
        return HttpAnswer(status=answer.status, headers=answer.headers, body=answer.body)


class Taking(Protocol):
    def verify(self, request: RawRequest) -> None: ...
    def parse(self, request: RawRequest) -> Sequence[Parsed]: ...


def as_request(push: Push, now: Instant, query: str = "") -> RawRequest:
    return RawRequest(
        method=push.method,
        path="/",
        query="&".join(part for part in (query, push.query) if part).encode(),
        headers=tuple((name.lower(), value) for name, value in push.headers.items()),
        body=push.body,
        received_at=now,
    )


class Meta:
    """A simulated Meta with one page, and the connector that listens to it."""

    def __init__(self) -> None:
        form = Form(id=FORM, name="Form", questions=(Question(key="full_name"), Question(key="email")))
        pages = [Page(id=PAGE, name="Page", access_token="PAGE_TOKEN", forms=(form,))]
        self.time = Time()
        self.world = MetaWorld(Random(7), app=APP, pages=pages)
        settings = {
            "app_secret": "app_secret",
            "verify_token": "verify",
            "pages": [{"id": PAGE, "access_token": "PAGE_TOKEN"}],
        }
        tools = Tools(name="meta", http=WorldHttp(self.world, self.time), now=lambda: self.time.now)
        self.source = MetaLeadAds(msgspec.convert(settings, MetaSettings, dec_hook=decode_setting), tools)

    def faults(self, **switches: object) -> None:
        self.world.faults = msgspec.convert(switches, meta_faults.Faults)

    def submit(self, count: int = 1, origin: Origin | None = None) -> list[str]:
        return [self.world.submit(PAGE, FORM, self.time.now, ANSWERS, origin).id for _ in range(count)]

    def pushed(self) -> list[Parsed]:
        parsed: list[Parsed] = []
        for push in self.world.notifications_due(self.time.now):
            request = as_request(push, self.time.now)
            self.source.verify(request)
            parsed += self.source.parse(request)
            self.world.acknowledge(push, 200, self.time.now)
        return parsed

    async def fetched(self) -> Sequence[Record | SourceError]:
        return await self.source.fetch([each for each in self.pushed() if isinstance(each, Pointer)])


@pytest.fixture
def meta() -> Meta:
    return Meta()


async def test_a_meta_lead_is_pushed_and_read_whole(meta: Meta) -> None:
    (lead_id,) = meta.submit(origin=Origin(ad=AD, platform="ig", consents={"optional_1": True}))
    (record,) = await meta.fetched()
    assert isinstance(record, Record)
    assert (record.native_id, record.full_name, record.phone) == (lead_id, "प्रिया शर्मा", "+919829123199")
    assert record.answers == {"car": ["a", "b"], "consent:optional_1": ["1"]}
    assert (record.attribution.campaign_name, record.attribution.platform) == ("Spring", "ig")
    assert (record.occurred_at, record.attribution.organic) == (START, False)
    assert meta.source.served_version == "v26.0"
    assert set(meta.source.usage) == {"*", PAGE}


async def test_every_lead_of_many_grouped_pushes_is_read_once_in_batches(meta: Meta) -> None:
    meta.faults(updates_per_post_max=200, foreign_change_share=0.5, numeric_id_share=0.5)
    wanted = meta.submit(180)
    results = await meta.fetched()
    assert sorted(result.native_id for result in results if isinstance(result, Record)) == sorted(wanted)
    assert meta.world.snapshot()["calls"]["batches"] == 4


def test_the_handshake_of_meta_succeeds_and_a_wrong_token_fails(meta: Meta) -> None:
    greeting = Push(number=1, method="GET", query="hub.mode=subscribe&hub.challenge=115&hub.verify_token=verify")
    answer = meta.source.handshake(as_request(greeting, START))
    assert answer is not None
    assert answer.body == b"115"


def test_a_push_of_meta_that_is_signed_wrongly_is_refused(meta: Meta) -> None:
    meta.faults(bad_signature_share=1.0)
    meta.submit()
    with pytest.raises(SignatureInvalid):
        meta.pushed()


def test_the_dashboard_sample_of_meta_blocks_nothing(meta: Meta) -> None:
    meta.world.send_dashboard_sample(PAGE, START)
    assert meta.pushed() == [Ignored("dashboard sample")]


async def test_a_meta_lead_that_is_not_readable_yet_is_readable_later(meta: Meta) -> None:
    meta.faults(readable_after_us=5 * SECOND)
    meta.submit()
    pointers = [each for each in meta.pushed() if isinstance(each, Pointer)]
    (early,) = await meta.source.fetch(pointers)
    assert isinstance(early, NotYetReadable)
    meta.time.now += 5 * SECOND
    (late,) = await meta.source.fetch(pointers)
    assert isinstance(late, Record)


async def test_null_items_of_a_meta_batch_cost_only_themselves(meta: Meta) -> None:
    meta.faults(batch_null_share=0.3)
    meta.submit(50)
    results = await meta.fetched()
    kinds = {type(result) for result in results}
    assert kinds == {Record, SourceUnavailable}


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize(
    ("switches", "kind"),
    [
        ({"dead_tokens": {"PAGE_TOKEN": 463}}, SourceAuthBroken),
        ({"app_limit_until": START + MINUTE}, Throttled),
        ({"custom_limit_until": START + MINUTE}, Throttled),
        ({"throttled_pages": {PAGE: START + 7 * MINUTE}}, Throttled),
        ({"leads_access": {PAGE: "missing"}}, NotYetReadable),
        ({"leads_access": {PAGE: "denied"}}, SourceRefused),
        ({"server_error_share": 1.0}, SourceUnavailable),
        ({"reset_share": 1.0}, SourceUnavailable),
        ({"hang_share": 1.0}, SourceUnavailable),
    ],
)
async def test_every_trouble_of_meta_has_its_outcome_alone_and_in_a_batch(
    meta: Meta, count: int, switches: dict[str, object], kind: type
) -> None:
    meta.submit(count)
    meta.faults(**switches)
    assert {type(result) for result in await meta.fetched()} == {kind}


async def test_a_throttled_page_of_meta_waits_as_long_as_meta_says(meta: Meta) -> None:
    meta.submit()
    meta.faults(throttled_pages={PAGE: START + 7 * MINUTE})
    (result,) = await meta.fetched()
    assert isinstance(result, Throttled)
    assert (result.scope, result.until) == (PAGE, START + 7 * MINUTE)


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("mode", ["fail", "vanish"])
async def test_a_lead_is_read_without_the_ads_permission_too(meta: Meta, count: int, mode: str) -> None:
    meta.faults(ads_fields={PAGE: mode})
    meta.submit(count, origin=Origin(ad=AD))
    results = await meta.fetched()
    assert len(results) == count
    for record in results:
        assert isinstance(record, Record)
        assert (record.full_name, record.attribution.campaign_id, record.attribution.ad_id) == ("प्रिया शर्मा", None, "1")


async def test_metas_demand_for_a_proof_is_met(meta: Meta) -> None:
    meta.faults(require_appsecret_proof=True)
    meta.submit(2)
    assert {type(result) for result in await meta.fetched()} == {Record}


class Phone:
    """A simulated Knowlarity account, and the connector that listens to it."""

    def __init__(self, **switches: object) -> None:
        self.time = Time()
        account = Account(authorization="key", api_key="gateway")
        self.world = KnowlarityWorld(Random(7), account=account, faults=msgspec.convert(switches, call_faults.Faults))
        settings = msgspec.convert({"webhook_token": "t"}, KnowlaritySettings, dec_hook=decode_setting)
        tools = Tools(name="phone", http=WorldHttp(self.world, self.time), now=lambda: self.time.now, region="IN")
        self.source = Knowlarity(settings, tools)

    def call(self, **dialled: object) -> Record:
        ends = {"customer": "+919966679850", "number": "+919019101000", "agent": "+918121119250"}
        self.world.dial(msgspec.convert({**ends, **dialled}, Dialled), self.time.now)
        self.time.now += 5 * MINUTE
        (push,) = self.world.notifications_due(self.time.now)
        request = as_request(push, self.time.now, "token=t")
        self.source.verify(request)
        (record,) = self.source.parse(request)
        assert isinstance(record, Record)
        assert record.native_id == self.world.calls[-1].uuid
        return record


@pytest.mark.parametrize("shape", ["json", "form", "query"])
@pytest.mark.parametrize("prefixed", [0.0, 1.0])
def test_an_answered_call_is_read_from_every_shape(shape: str, prefixed: float) -> None:
    record = Phone(push_shape=shape, prefixed_agent_share=prefixed).call(talk_s=42)
    assert record.call is not None
    assert (record.phone, record.call.direction, record.call.duration_s) == ("+919966679850", "inbound", 42)
    assert (record.call.answered, record.call.agent) == (True, "+918121119250")
    assert record.occurred_at == (None if shape == "query" else START)
    assert record.call.number == (None if shape == "query" else "+919019101000")


@pytest.mark.parametrize("shape", ["json", "form", "query"])
def test_a_missed_call_has_no_agent_in_any_shape(shape: str) -> None:
    record = Phone(push_shape=shape).call(outcome="missed")
    assert record.call is not None
    assert (record.phone, record.call.answered, record.call.agent) == ("+919966679850", False, None)


@pytest.mark.parametrize("shape", ["json", "form", "query"])
@pytest.mark.parametrize("outcome", ["answered", "missed"])
def test_an_outbound_call_is_the_customers_in_any_shape(shape: str, outcome: str) -> None:
    record = Phone(push_shape=shape).call(direction="outbound", outcome=outcome)
    assert record.call is not None
    assert (record.phone, record.call.direction) == ("+919966679850", "outbound")
    assert (record.call.answered, record.call.number) == (outcome == "answered", "+919019101000")


@pytest.mark.parametrize("shape", ["json", "form", "query"])
def test_a_withheld_number_is_kept_and_is_no_phone(shape: str) -> None:
    record = Phone(push_shape=shape, withheld_share=1.0).call()
    assert (record.phone, record.answers) == (None, {"customer_number": ["Anonymous"]})


class Crm:
    """A simulated CRM, and the destination that writes to it."""

    def __init__(self, **switches: object) -> None:
        self.time = Time()
        self.world = CrmWorld(Random(7), secret=SECRET, faults=msgspec.convert(switches, crm_faults.Faults))
        given = {"url": "https://crm.example.com/leads", "secret": SECRET}
        tools = Tools(name="crm", http=WorldHttp(self.world, self.time), now=lambda: self.time.now)
        self.destination = HttpDestination(msgspec.convert(given, HttpSettings, dec_hook=decode_setting), tools)


async def test_the_crm_takes_what_we_sign_and_sees_a_repeat_as_one() -> None:
    crm = Crm()
    deliveries = make_deliveries(2, START - MINUTE)
    assert await crm.destination.deliver(deliveries) == [Delivered(status=201), Delivered(status=201)]
    crm.time.now += 10 * MINUTE
    assert await crm.destination.deliver(deliveries) == [Delivered(status=200), Delivered(status=200)]
    assert crm.world.snapshot()["repeated_keys"] == 2
    assert sorted(crm.world.rows) == ["lead_0", "lead_1"]


async def test_every_trouble_of_the_crm_has_its_outcome() -> None:
    scripted = [crm_faults.Scripted(status=429, retry_after_s=7), crm_faults.Scripted(status=503)]
    crm = Crm(script=tuple(scripted), poison_leads=frozenset({"lead_1"}))
    (first,) = await crm.destination.deliver(make_deliveries(1, START))
    (second,) = await crm.destination.deliver(make_deliveries(1, START))
    assert isinstance(first, Retryable)
    assert (first.after_s, type(second)) == (7.0, Retryable)
    receipts = await crm.destination.deliver(make_deliveries(2, START))
    assert [type(receipt) for receipt in receipts] == [Delivered, Rejected]


async def test_a_lost_reply_of_the_crm_is_unknown_and_the_repeat_makes_no_second_row() -> None:
    crm = Crm(lost_reply_share=1.0)
    (lost,) = await crm.destination.deliver(make_deliveries(1, START))
    assert isinstance(lost, OutcomeUnknown)
    crm.world.faults = crm_faults.Faults()
    assert await crm.destination.deliver(make_deliveries(1, START, attempt=2)) == [Delivered(status=200)]
    assert len(crm.world.rows) == 1
