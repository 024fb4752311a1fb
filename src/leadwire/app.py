"""The composition root: the only file that knows concrete stores and the concrete outside world. Nothing here decides anything."""

import asyncio
import contextlib
import gc
import os
import random
import secrets
import signal
import sys
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import msgspec
import structlog
import uvloop

import leadwire
from leadwire.config import Config, DestinationConfig, SourceConfig
from leadwire.egress.client import EgressClient
from leadwire.engine.accounts import Accounts, Argon2Hasher, Tokens, digest_of
from leadwire.engine.assembly import Engine, EngineSetup, LaneSetup, SourceSetup
from leadwire.engine.bell import LocalBell
from leadwire.engine.clock import SystemClock, id_maker
from leadwire.engine.dispatch import LanePolicy
from leadwire.engine.figures import view_of
from leadwire.engine.journal import Journal
from leadwire.engine.live import Live
from leadwire.engine.metrics import Metrics
from leadwire.engine.observer import Everyone
from leadwire.engine.poll import PollPolicy
from leadwire.engine.prune import Retention
from leadwire.engine.refusals import Refusals
from leadwire.engine.steering import Steering
from leadwire.engine.survey import Survey, Surveyors
from leadwire.logs import configure_logs
from leadwire.model.errors import ConfigError, StorageFull
from leadwire.ports.ledger import Ledger
from leadwire.rules.identity import IdentityPolicy
from leadwire.rules.mapping import Mapping as LeadMapping
from leadwire.rules.resolution import SourcePolicy
from leadwire.rules.routing import Route
from leadwire.rules.transitions import RetryPolicy
from leadwire.sdk import Http, PullSource, PushSource, Tools
from leadwire.store.sqlite import SqliteLedger, open_ledger
from leadwire.web.doors import ASGIApp, Doors
from leadwire.web.limits import DoorLimits
from leadwire.web.serving import WebServer
from leadwire.web.site import build_site
from leadwire.web.surroundings import SiteServices, SiteSettings

ALL_ROLES = frozenset({"web", "engine", "poll"})
DAY_S = 86_400.0
DRAIN_S = 5.0
STOP_WEB_S = 3.0
LOOPBACK = ("127.", "::1", "localhost")


class Leadwire:
    """Everything of one process, put together and not yet started."""

    def __init__(self, config: Config, ledger: Ledger, http: Http, roles: Collection[str] = ALL_ROLES) -> None:
        chance = random.Random(secrets.randbits(256))  # noqa: S311 - jitter and ids; secrets are drawn from `secrets`
        self.config = config
        self.ledger = ledger
        self.clock = SystemClock()
        self.local_key = secrets.token_urlsafe(32)
        self.bell = LocalBell()
        sources = {name: _source(source, config, http, self.clock) for name, source in config.sources.items()}
        pushing = [name for name, setup in sources.items() if isinstance(setup.source, PushSource)]
        self.metrics = Metrics(pushing)
        self.observer = Everyone([self.metrics, Journal()])
        self.live = Live(ledger.desk, self.metrics)
        self.bell.subscribe("leads", self.live.announce)
        self.engine = Engine(
            EngineSetup(
                ledger=ledger,
                sources=sources,
                lanes={name: _lane(lane, config, http, self.clock) for name, lane in config.destinations.items()},
                routes=_routes(config),
                clock=self.clock,
                chance=chance,
                bell=self.bell,
                observer=self.observer,
                new_id=id_maker(self.clock, chance),
                owner=f"{os.getpid()}-{secrets.token_hex(4)}",
                retention=_retention(config),
                companions=[self.live],
                works="engine" in roles,
                polls="poll" in roles,
            )
        )
        self.is_ready = False
        self.refusals = Refusals()
        self.accounts = Accounts(ledger.users, ledger.tokens, self.clock, secrets.token_bytes, Argon2Hasher())
        self.limits = DoorLimits(
            body_bytes_max=config.server.body_bytes_max,
            body_deadline_s=config.server.body_timeout.seconds,
            stop_s=STOP_WEB_S,
        )
        self.doors = Doors(
            self.engine.sources,
            self.engine.intake,
            self.refusals,
            self.clock,
            self.limits,
            cast("ASGIApp", build_site(self._services())),
        )

    def _services(self) -> SiteServices:
        config = self.config
        surveyors = Surveyors(
            ledger=self.ledger,
            clock=self.clock,
            metrics=self.metrics,
            view=lambda: view_of(self.engine, self.refusals),
            is_ready=lambda: self.is_ready,
        )
        return SiteServices(
            ledger=self.ledger,
            clock=self.clock,
            bell=self.bell,
            accounts=self.accounts,
            tokens=Tokens(self.ledger.tokens, self.clock, secrets.token_bytes),
            survey=Survey(surveyors, list(config.sources), list(config.destinations)),
            live=self.live,
            metrics=self.metrics,
            observer=self.observer,
            control=Steering(self.engine.pauses, self.ledger.leads, self.engine.rules, self.bell, self.clock),
            settings=SiteSettings(
                public_url=config.server.public_url or None,
                listens_on_loopback=config.server.host.startswith(LOOPBACK),
                sources=list(config.sources),
                destinations=list(config.destinations),
                syncs=list(config.syncs),
            ),
            local_key_digest=digest_of(self.local_key),
        )


def _source(source: SourceConfig, config: Config, http: Http, clock: SystemClock) -> SourceSetup:
    make = source.connector.source
    assert make is not None, "the configuration refuses a source whose type is none"
    region = config.identity.default_region or None
    built = make(source.settings, Tools(name=source.name, http=http, now=clock.now, region=region))
    polls = isinstance(built, PullSource) and source.poll.seconds > 0
    return SourceSetup(
        source=built,
        policy=SourcePolicy(
            identity=IdentityPolicy(
                is_on=source.identity, region=region, keys_per_lead_max=config.identity.keys_per_lead_max
            ),
            test_leads=source.test_leads,
        ),
        poll=PollPolicy(source=source.name, interval_s=source.poll.seconds) if polls else None,
    )


def _lane(lane: DestinationConfig, config: Config, http: Http, clock: SystemClock) -> LaneSetup:
    make = lane.connector.destination
    assert make is not None, "the configuration refuses a destination whose type is none"
    region = config.identity.default_region or None
    tools = Tools(name=lane.name, http=http, now=clock.now, region=region, timeout_s=lane.timeout.seconds)
    destination = make(lane.settings, tools)
    return LaneSetup(
        destination=destination,
        policy=LanePolicy(
            destination=lane.name,
            mappings={
                name: LeadMapping.compile(sync.fields or None, sync.where or None)
                for name, sync in config.syncs.items()
            },
            concurrency=lane.concurrency,
            rate=(lane.rate.count, lane.rate.window_s) if lane.rate else None,
            timeout_s=lane.timeout.seconds,
            batch=lane.batch,
            retry=RetryPolicy(
                horizon_s=lane.retry_horizon.seconds,
                is_safe_to_repeat=bool(getattr(destination, "is_safe_to_repeat", True)),
            ),
        ),
    )


def _routes(config: Config) -> list[Route]:
    return [
        Route(
            sync=name,
            destination=sync.to,
            sources=frozenset(sync.sources),
            mapping=LeadMapping.compile(sync.fields or None, sync.where or None),
            grain=config.destinations[sync.to].grain,
        )
        for name, sync in config.syncs.items()
    ]


def _retention(config: Config) -> Retention:
    kept = config.retention
    return Retention(
        events_days=kept.events.seconds / DAY_S,
        ended_deliveries_days=kept.ended_deliveries.seconds / DAY_S,
        session_idle_days=kept.session_idle.seconds / DAY_S,
        session_days=kept.session.seconds / DAY_S,
    )


def ledger_path(config: Config) -> Path:
    """The ledger's file. Raises ConfigError for a ledger that this version has no store for."""
    path = config.store.file
    if path is None:
        raise ConfigError(f"{config.path}: store.url: only sqlite:/// ledgers can be opened by this version")
    return path


@asynccontextmanager
async def opened(config: Config, roles: Collection[str] = ALL_ROLES) -> AsyncIterator[Leadwire]:
    """A whole leadwire on its ledger, not started; closed at the end. Raises StoreRefused."""
    clock = SystemClock()
    ledger = await open_ledger(ledger_path(config), clock_now=clock.now)
    http = EgressClient(config.egress.allow)
    try:
        yield Leadwire(config, ledger, http, roles)
    finally:
        await http.close()
        await ledger.close()


class InProcess:
    """The API of a leadwire in this very process: the ASGI application is called without a socket."""

    def __init__(self, app: Leadwire) -> None:
        self._app = app

    async def request(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """The status and the decoded JSON body (None where there is none)."""
        route, _, query = path.partition("?")
        content = b"" if body is None else msgspec.json.encode(body)
        headers = [(b"host", b"localhost"), (b"authorization", b"Bearer " + self._app.local_key.encode())]
        if content:
            headers += [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
        scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": route,
            "raw_path": route.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": headers,
            "client": ("127.0.0.1", 0),
            "server": ("127.0.0.1", 0),
            "state": {},
        }
        answered: list[Mapping[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": content, "more_body": False}

        async def send(message: Mapping[str, Any]) -> None:
            answered.append(message)

        await self._app.doors(scope, receive, send)
        text = b"".join(message.get("body", b"") for message in answered[1:])
        return answered[0]["status"], msgspec.json.decode(text) if text else None


@asynccontextmanager
async def open_in_process(config: Config) -> AsyncIterator[InProcess]:
    """The API without a server, for commands; the engine doesn't run. Raises StoreRefused where a server has the ledger."""
    configure_logs("console", "error")
    async with opened(config) as app:
        await app.engine.pauses.load()
        yield InProcess(app)


def run(config: Config, roles: Collection[str] = ALL_ROLES) -> int:
    """Runs leadwire until SIGTERM or SIGINT: 0 after a clean stop, 1 where the storage failed."""
    configure_logs(config.server.log_format, config.server.log_level)
    return uvloop.run(_run(config, roles))


async def _run(config: Config, roles: Collection[str]) -> int:
    async with opened(config, roles) as app:
        stop = asyncio.Event()
        _on_signals(stop)
        return await serve(app, stop, has_web="web" in roles)


def _on_signals(stop: asyncio.Event) -> None:
    """The first signal stops in order; a second one ends the process at once, which loses nothing either."""

    def asked() -> None:
        if stop.is_set():
            os._exit(1)
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked)


async def serve(
    app: Leadwire, stop: asyncio.Event, *, has_web: bool = True, on_up: Callable[[str], None] | None = None
) -> int:
    """Starts everything, serves until `stop` is set or the storage fails, and stops in the order of a lead's life."""
    log = structlog.get_logger("leadwire")
    await app.engine.start()
    server = WebServer(app.doors, app.config.server.host, app.config.server.port, app.limits) if has_web else None
    if server is not None:
        await _start_web(app, server)
    running = asyncio.create_task(app.engine.run(), name="engine")
    app.is_ready = True
    gc.collect()
    gc.freeze()
    url = address(app, server)
    log.info("started", action="process.started", version=leadwire.__version__, url=url, pid=os.getpid())
    if on_up is not None:
        on_up(url)
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait((running, stopping), return_when=asyncio.FIRST_COMPLETED)
    app.is_ready = False
    app.live.close()
    if server is not None:
        await server.stop()
    app.engine.stop()
    done, _ = await asyncio.wait((running,), timeout=DRAIN_S)
    if not done:
        app.engine.abandon()
        await asyncio.wait((running,), timeout=1.0)
    stopping.cancel()
    failure = app.engine.supervisor.failure
    log.info("stopped", action="process.stopped", failure=None if failure is None else str(failure))
    return 0 if failure is None else 1


async def _start_web(app: Leadwire, server: WebServer) -> None:
    try:
        await server.start()
    except OSError as error:
        host, port = app.config.server.host, app.config.server.port
        raise ConfigError(
            f"{app.config.path}: server.port = {port}: {host}:{port} can't be listened on ({error.strerror}); "
            "stop what listens there, or choose another port"
        ) from error
    url = address(app, server)
    if isinstance(app.ledger, SqliteLedger):
        app.ledger.announce(url, app.local_key)
    code = None
    with contextlib.suppress(StorageFull):  # a full disk costs the link, which the next start shows, and not the start
        code = await app.accounts.first_code()
    if code is not None:
        print(f"Sign in for the first time (once, within 15 minutes): {url}/login/once#{code}", file=sys.stderr)  # noqa: T201


def address(app: Leadwire, server: WebServer | None) -> str:
    """Where this process is reached from this machine; "" without a web server."""
    if server is None:
        return ""
    host = app.config.server.host
    return f"http://{'127.0.0.1' if host in ('0.0.0.0', '::', '') else host}:{server.port}"  # noqa: S104
