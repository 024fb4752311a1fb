"""A whole site on a memory ledger, asked through ASGI, with a clock that stands still."""

import asyncio
import hashlib
import random
from collections.abc import Sequence
from typing import Any

import msgspec
from litestar import Litestar

from leadwire.engine.accounts import Accounts, SignedIn, Tokens, digest_of
from leadwire.engine.bell import LocalBell
from leadwire.engine.clock import id_maker
from leadwire.engine.figures import EngineView
from leadwire.engine.live import Live
from leadwire.engine.metrics import Metrics
from leadwire.engine.pauses import Pauses, lane_subject
from leadwire.engine.resolve import Batch, Resolve, ResolveRules
from leadwire.engine.survey import Survey, Surveyors
from leadwire.model.delivery import Attempt, Settlement
from leadwire.model.errors import NothingToSplit
from leadwire.model.lead import Lead
from leadwire.model.pull import Pause
from leadwire.model.record import Record, RecordKey
from leadwire.model.times import SECOND
from leadwire.ports.accounts import Role, Scope
from leadwire.ports.delivery_queue import DeliveryClaim
from leadwire.ports.lead_book import LeadQuery
from leadwire.rules.mapping import Mapping
from leadwire.rules.resolution import Incoming, SourcePolicy
from leadwire.rules.routing import Route
from leadwire.store.memory import MemoryLedger
from leadwire.store.memory.commits import Commits
from leadwire.store.memory.lead_book import MemoryLeadBook
from leadwire.testing.manual_clock import ManualClock
from leadwire.web.gate import cookie_name
from leadwire.web.site import build_site, furnish
from leadwire.web.surroundings import SiteServices, SiteSettings

LOCAL_KEY = "the key of this machine"


_BUILT: dict[
    bool, Litestar
] = {}  # one application for all tests, by whether it is reached by https; each furnishes it anew


class PlainHasher:
    """A `Hasher` that is fast and countable."""

    def __init__(self) -> None:
        self.verified: list[str] = []

    def hash(self, password: str) -> str:
        return f"plain:{password}"

    def verify(self, password_hash: str, password: str) -> bool:
        self.verified.append(password_hash)
        return password_hash == f"plain:{password}"


class LedgerControl:
    """A `Control` that does what the engine would do, on the ledger alone."""

    def __init__(self, ledger: MemoryLedger, pauses: Pauses, clock: ManualClock) -> None:
        self._ledger = ledger
        self._pauses = pauses
        self._clock = clock
        self.splits: list[tuple[str, Sequence[RecordKey]]] = []

    async def pause_lane(self, destination: str, reason: str) -> None:
        pause = Pause(
            subject=lane_subject(destination), cause="manual", reason=reason, paused_at=self._clock.now(), until=None
        )
        await self._pauses.pause(pause)

    async def resume_lane(self, destination: str) -> bool:
        return await self._pauses.resume(lane_subject(destination))

    async def split_lead(self, lead_id: str, records: Sequence[RecordKey]) -> str | None:
        if await self._ledger.leads.lead(lead_id) is None:
            return None
        if len(await self._ledger.leads.records(lead_id)) <= len(records):
            raise NothingToSplit
        self.splits.append((lead_id, records))
        return "01other"

    async def erase_lead(self, lead_id: str) -> bool:
        return await self._ledger.leads.erase(lead_id, self._clock.now())


class Answer(msgspec.Struct):
    """What the site answered."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key == name), "")

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)

    @property
    def cookie(self) -> str:
        return self.header("set-cookie").partition(";")[0]


class House:
    """The site and everything behind it."""

    def __init__(self, settings: SiteSettings, page_error: Exception | None = None) -> None:
        self.clock = ManualClock()
        self.ledger = MemoryLedger() if page_error is None else _FailingLedger(page_error)
        self.bell = LocalBell()
        self.metrics = Metrics(pushing=["meta"])
        self.live = Live(self.ledger.desk, self.metrics, quiet_s=0.02)
        self.bell.subscribe("leads", self.live.announce)
        self.hasher = PlainHasher()
        self.chance = random.Random(7)
        self.accounts = Accounts(self.ledger.users, self.ledger.tokens, self.clock, self.chance.randbytes, self.hasher)
        self.tokens = Tokens(self.ledger.tokens, self.clock, self.chance.randbytes)
        self.view = EngineView()
        self.is_ready = True
        self.crashes: list[BaseException] = []
        self.pauses = Pauses(self.ledger.pauses, self.metrics)
        self.control = LedgerControl(self.ledger, self.pauses, self.clock)
        surveyors = Surveyors(
            ledger=self.ledger,
            clock=self.clock,
            metrics=self.metrics,
            view=lambda: self.view,
            is_ready=lambda: self.is_ready,
        )
        self.services = SiteServices(
            ledger=self.ledger,
            clock=self.clock,
            bell=self.bell,
            accounts=self.accounts,
            tokens=self.tokens,
            survey=Survey(surveyors, settings.sources, settings.destinations),
            live=self.live,
            metrics=self.metrics,
            observer=_Watching(self.metrics, self.crashes),
            control=self.control,
            settings=settings,
            local_key_digest=digest_of(LOCAL_KEY),
        )
        self.app = _BUILT.get(settings.is_https) or build_site(self.services)
        _BUILT[settings.is_https] = self.app
        furnish(self.app, self.services)
        self.resolve = Resolve(
            self.ledger.events,
            self.ledger.leads,
            {},
            ResolveRules(
                policies={name: SourcePolicy() for name in settings.sources},
                routes=[
                    Route(sync=name, destination=name, sources=frozenset(settings.sources), mapping=Mapping(None, None))
                    for name in settings.destinations
                ],
                new_id=id_maker(self.clock, self.chance),
            ),
            self.bell,
            self.metrics,
        )

    async def arrive(self, *records: Record, source: str = "meta") -> list[str]:
        """Records come in and are resolved; answers the ids of all leads, newest first."""
        incoming = [
            Incoming(source=source, via="webhook", received_at=self.clock.now(), record=record) for record in records
        ]
        storing = asyncio.ensure_future(self.resolve.submit(Batch(incoming=incoming)))
        await asyncio.sleep(0)
        await self.resolve.run_once(self.clock.now())
        await storing
        return list(self.ledger.state.leads.rows)[::-1]

    async def settle(self, destination: str, status: int) -> list[str]:
        """Tries all that is owed to a destination once: 2xx delivers, anything else ends as a dead letter."""
        now = self.clock.now()
        claimed = await self.ledger.deliveries.claim(
            DeliveryClaim(
                destination=destination,
                limit=500,
                fresh=0,
                fresh_since=now,
                now=now,
                lease_until=now + 60 * SECOND,
                owner="test",
            )
        )
        is_good = 200 <= status < 300
        settlements = [
            Settlement(
                delivery_id=one.delivery.id,
                epoch=one.delivery.epoch,
                state="delivered" if is_good else "dead",
                not_before=now,
                reason=None if is_good else "phone: is not a number",
                attempt=Attempt(
                    delivery_id=one.delivery.id,
                    number=1,
                    started_at=now,
                    duration_us=12_000,
                    outcome="delivered" if is_good else "rejected",
                    status=status,
                ),
            )
            for one in claimed
        ]
        await self.ledger.deliveries.settle(settlements, now)
        return [one.delivery.id for one in claimed]

    async def broadcast(self) -> None:
        """The live service does its step."""
        await self.live.run_once(self.clock.now())

    async def rung(self, topic: str) -> str:
        """ "rung" where the bell rang for this topic since the last time, else "timeout"."""
        return await self.bell.wait(topic, 0)

    async def token(self, *scopes: Scope) -> dict[str, str]:
        """The header of a new token."""
        made = await self.tokens.make(scopes, "tests")
        return {"authorization": f"Bearer {made.secret}"}

    async def browser(self, name: str, role: Role = "rep") -> dict[str, str]:
        """The headers of a person who is signed in, as their browser sends them from our own pages."""
        await self.accounts.add_user(name, role)
        code = await self.accounts.code_for(name)
        assert code is not None
        outcome = await self.accounts.redeem(code, "test")
        assert isinstance(outcome, SignedIn)
        return {"cookie": f"{cookie_name(self.services)}={outcome.secret}", "sec-fetch-site": "same-origin"}

    async def ask(self, method: str, path: str, headers: dict[str, str] | None = None, body: object = b"") -> Answer:
        """One request through ASGI."""
        sent = body if isinstance(body, bytes) else msgspec.json.encode(body)
        answer = Answer(0, [], b"")

        async def receive() -> Any:
            if received:
                await asyncio.Event().wait()
            received.append(True)
            return {"type": "http.request", "body": sent, "more_body": False}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                answer.status = message["status"]
                answer.headers = [(key.decode().lower(), value.decode()) for key, value in message["headers"]]
            else:
                answer.body += message.get("body", b"")

        received: list[bool] = []
        await self.app(self.scope(method, path, headers, len(sent)), receive, send)
        return answer

    def scope(self, method: str, path: str, headers: dict[str, str] | None, length: int = 0) -> Any:
        raw_path, _, query = path.partition("?")
        given = {"host": "leads.example.com", "content-length": str(length), **(headers or {})}
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": raw_path,
            "raw_path": raw_path.encode(),
            "root_path": "",
            "query_string": query.encode(),
            "headers": [(key.encode(), value.encode()) for key, value in given.items()],
            "client": ("203.0.113.9", 4711),
            "server": ("127.0.0.1", 8080),
            "state": {},
        }


def enquiry(native_id: str, **values: Any) -> Record:
    """A form lead with a phone of its own."""
    digits = int(hashlib.sha256(native_id.encode()).hexdigest(), 16) % 10**8
    given = {"full_name": "Asha Rao", "phone": f"+9198{digits:08d}", **values}
    return Record(native_id=native_id, kind="form", **given)


class _FailingLeads(MemoryLeadBook):
    """A lead book whose pages can't be read."""

    def __init__(self, ledger: MemoryLedger, error: Exception) -> None:
        super().__init__(ledger.state, Commits(None, None))
        self._error = error

    async def page(self, query: LeadQuery) -> Sequence[Lead]:
        raise self._error


class _FailingLedger(MemoryLedger):
    """A memory ledger whose lead pages can't be read."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.leads = _FailingLeads(self, error)


class _Watching:
    """An observer that also keeps crashes."""

    def __init__(self, metrics: Metrics, crashes: list[BaseException]) -> None:
        self._metrics = metrics
        self._crashes = crashes

    def __getattr__(self, name: str) -> Any:
        return getattr(self._metrics, name)

    def crashed(self, service: str, error: BaseException) -> None:
        self._crashes.append(error)


SETTINGS = SiteSettings(
    public_url="https://leads.example.com",
    listens_on_loopback=False,
    sources=("meta", "knowlarity"),
    destinations=("crm", "edge"),
    syncs=("crm", "edge"),
)
