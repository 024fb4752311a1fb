"""A whole leadwire in virtual time, from one seed: simulated Meta, Knowlarity and two destinations, faults, crashes at any commit."""

import asyncio
import random
from typing import Any

import msgspec

from leadwire.connectors.http import connector as http_connector
from leadwire.connectors.knowlarity import connector as knowlarity_connector
from leadwire.connectors.meta_lead_ads import connector as meta_connector
from leadwire.engine.assembly import Engine, EngineSetup, LaneSetup, SourceSetup
from leadwire.engine.bell import LocalBell
from leadwire.engine.clock import id_maker
from leadwire.engine.dispatch import LanePolicy
from leadwire.engine.poll import PollPolicy
from leadwire.engine.refusals import Refusals
from leadwire.engine.steering import Steering
from leadwire.model.times import HOUR, MINUTE, Instant
from leadwire.rules.identity import IdentityPolicy
from leadwire.rules.mapping import Mapping
from leadwire.rules.resolution import SourcePolicy
from leadwire.rules.routing import Route
from leadwire.sdk import Connector, Tools, decode_setting
from leadwire.simulators.catalogue import example_crm_secret, example_knowlarity, example_meta
from leadwire.simulators.crm.faults import Faults as CrmFaults
from leadwire.simulators.crm.world import CrmWorld
from leadwire.simulators.exchange import World
from leadwire.simulators.knowlarity.faults import Faults as KnowlarityFaults
from leadwire.simulators.push import Push, PushingWorld
from leadwire.simulators.traffic import Mix, Traffic
from leadwire.store.memory import MemoryLedger, MemoryState
from leadwire.testing.virtual_time import VirtualClock, VirtualLoop, run_virtually
from leadwire.web.doors import Doors
from leadwire.web.limits import DoorLimits
from simulation.episodes import Episodes, SimulatedCrash
from simulation.network import Sent, VirtualNetwork, knock
from simulation.plan import LATENCY, draw_plan
from simulation.pulled import PulledSource
from simulation.variant import Variant
from simulation.watch import Process, Watch

TOKEN = "simulated-token"
REGION = "IN"
QUIET_AFTER: Instant = 5 * MINUTE
STOP_S = 10.0
VERBS = (
    "events.append",
    "leads.absorb",
    "leads.absorb",
    "deliveries.claim",
    "deliveries.settle",
    "fetches.claim",
    "fetches.settle",
    "pauses.pause",
)


class Life:
    """One seed's world and the engine in it. `run` lives it to the end; then the auditor looks at what is left.

    `clock` is the engine's, and may jump; `true_clock` is everybody else's.
    """

    def __init__(self, seed: int, variant: Variant) -> None:
        self.seed = seed
        self.variant = variant
        self.loop = VirtualLoop()
        self.clock = VirtualClock(self.loop)
        self.true_clock = VirtualClock(self.loop)
        self._chance = random.Random(seed)
        self.plan = draw_plan(self._chance, self.true_clock.now())
        secret = example_crm_secret() if self.plan.signs else None
        self.meta = example_meta(random.Random(seed + 1))
        self.knowlarity = example_knowlarity(random.Random(seed + 2))
        self.crm = CrmWorld(random.Random(seed + 3), secret=secret)
        self.chat = CrmWorld(random.Random(seed + 4), secret=secret, idempotent=False)
        self.pulled = PulledSource(random.Random(seed + 5), self.true_clock)
        self.meta.faults = self.plan.meta
        self.knowlarity.faults = self.plan.knowlarity
        self.crm.faults = self.plan.crm
        self.chat.faults = self.plan.chat
        self.state = MemoryState()
        self.watch = Watch()
        self.sent: list[Sent] = []
        self.refusals = Refusals()
        self.crashes = 0
        self.healed_at: Instant | None = None
        self._commits_to_crash: int | None = None
        self._crash_is_before = False
        self._crash_verb: str | None = None
        self._ids = id_maker(self.clock, random.Random(seed + 6))
        self._bell = LocalBell()
        self._engine: Engine | None = None
        self._ledger: MemoryLedger | None = None
        self._doors: Doors | None = None
        self._network: VirtualNetwork | None = None
        self._running: asyncio.Task[None] | None = None
        self._stopping: asyncio.Task[None] | None = None
        self._ended = asyncio.Event()
        self._news = {"meta": asyncio.Event(), "knowlarity": asyncio.Event()}

    def run(self) -> None:
        """Lives through traffic and faults, then heals everything and waits until all is quiet."""
        run_virtually(self._live(), self.loop)

    @property
    def chance(self) -> random.Random:
        """The life's own randomness."""
        return self._chance

    @property
    def steering(self) -> Steering | None:
        """What a person at the page can do; None while no process runs."""
        if self._engine is None or self._ledger is None or self._doors is None:
            return None
        return Steering(self._engine.pauses, self._ledger.leads, self._engine.rules, self._bell, self.clock)

    async def _live(self) -> None:
        self._draw_crash()
        keeper = asyncio.create_task(self._keep_alive())
        senders = [
            asyncio.create_task(self._send_all(self.meta, "meta", "", self.plan.gather_s)),
            asyncio.create_task(self._send_all(self.knowlarity, "knowlarity", TOKEN, 0.01)),
        ]
        episodes = Episodes(self)
        episodes.begin()
        await self._traffic()
        await self.true_clock.sleep(60)
        episodes.end()
        await self._heal()
        await self._until_quiet()
        for task in (keeper, *senders):
            task.cancel()
        await asyncio.gather(keeper, *senders, return_exceptions=True)

    async def _heal(self) -> None:
        """Every fault ends. Then a human does what only a human can: resumes lanes, puts in new tokens and starts anew."""
        self.healed_at = self.true_clock.now()
        self._commits_to_crash = None
        self.clock.skew = 0
        self.knowlarity.faults = KnowlarityFaults(push_shape=self.plan.knowlarity.push_shape)
        self.crm.faults = CrmFaults(latency_us=LATENCY, poison_texts=self.plan.crm.poison_texts)
        self.chat.faults = CrmFaults(latency_us=LATENCY)
        self.pulled.heal()
        await self.true_clock.sleep(20)
        if self.plan.needs_restart:
            await self.stop_cleanly()
            await self.true_clock.sleep(10)
        async with asyncio.timeout(60):
            while (steering := self.steering) is None:
                await self.true_clock.sleep(1)
        for lane in ("crm", "chat"):
            await steering.resume_lane(lane)

    async def _traffic(self) -> None:
        traffic = Traffic(self._chance, meta=self.meta, knowlarity=self.knowlarity, mix=Mix(talk_s_max=30))
        for _ in range(self.plan.leads):
            traffic.step(self.true_clock.now())
            self.tell_senders()
            self.pulled.grow()
            await self.true_clock.sleep(self._chance.expovariate(self.plan.leads / self.plan.traffic_s))

    def tell_senders(self) -> None:
        """There may be something new to send."""
        for news in self._news.values():
            news.set()

    async def _until_quiet(self) -> None:
        """Liveness: with all faults off, everything owed is settled within an hour (a retry of Meta's takes up to that long).

        Where the clock had jumped, what was put off by the wrong clock may take that hour too.
        """
        hours = 3 if self.plan.has("clock jumps") else 1
        deadline = self.true_clock.now() + hours * HOUR
        quiet_since = self.true_clock.now()
        while self.true_clock.now() < deadline and self.true_clock.now() - quiet_since < QUIET_AFTER:
            await self.true_clock.sleep(10)
            if self._is_owing() or self._is_pushing():
                quiet_since = self.true_clock.now()

    def _is_owing(self) -> bool:
        if self.state.events.unresolved or self.state.deliveries.leased or self.state.fetches.leases:
            return True
        return any(self.state.deliveries.pending.values()) or any(self.state.fetches.pending.values())

    def _is_pushing(self) -> bool:
        return any(world.next_push_at() is not None for world in (self.meta, self.knowlarity))

    async def _send_all(self, world: PushingWorld, source: str, token: str, gather_s: float) -> None:
        """Sends what is due; what comes due within `gather_s` may go in one request."""
        news = self._news[source]
        async with asyncio.TaskGroup() as group:
            while True:
                for push in world.notifications_due(self.true_clock.now()):
                    group.create_task(self._send(world, source, token, push))
                due = world.next_push_at()
                try:
                    async with asyncio.timeout(None if due is None else (due - self.true_clock.now()) / 1e6 + gather_s):
                        await news.wait()
                    news.clear()
                    await self.true_clock.sleep(gather_s)
                except TimeoutError:
                    pass

    async def _send(self, world: PushingWorld, source: str, token: str, push: Push) -> None:
        doors, network = self._doors, self._network
        status: int | None = None
        body = b""
        if doors is not None and network is not None:
            status, body = await knock(doors, source, push, token)
            if not network.is_up:
                status = None  # the process died before its answer could leave
        self.watch.answered(source, push, status, is_stored=self._is_stored(source, push))
        if status is None:
            await self.true_clock.sleep(0.1)
        world.acknowledge(push, status, self.true_clock.now(), body)
        self._news[source].set()

    def _is_stored(self, source: str, push: Push) -> bool:
        asked = push.query.encode()
        return any(
            event.source == source and event.request.body == push.body and asked in event.request.query
            for event in reversed(self.state.events.rows.values())
        )

    def _draw_crash(self) -> None:
        wanted = self.crashes < self.plan.crashes and self.healed_at is None
        self._commits_to_crash = self._chance.randint(1, 120) if wanted else None
        self._crash_is_before = self._chance.random() < 0.4
        self._crash_verb = self._chance.choice(VERBS) if self._chance.random() < 0.5 else None
        if wanted and self._crash_verb is not None:
            self._commits_to_crash = self._chance.randint(1, 20)

    def _before_commit(self, verb: str) -> None:
        if self._crash_is_before:
            self._perhaps_crash(verb)

    def _after_commit(self, verb: str) -> None:
        if not self._crash_is_before:
            self._perhaps_crash(verb)

    def _perhaps_crash(self, verb: str) -> None:
        if self._commits_to_crash is None or self._crash_verb not in (None, verb):
            return
        self._commits_to_crash -= 1
        if self._commits_to_crash <= 0:
            self.watch.crashed_after.append(f"{'before' if self._crash_is_before else 'after'} {verb}")
            self.crashes += 1
            self._commits_to_crash = None
            self._end("killed")
            raise SimulatedCrash(verb)

    def _end(self, how: str) -> None:
        """The process is gone: nothing of it is heard any more."""
        process = self.watch.processes[-1]
        if process.end == "running":
            process.end = "drained" if how == "drained" else "killed"
            process.ended_at = self.true_clock.now()
        self._doors = None
        if self._network is not None:
            self._network.is_up = False
        self._ended.set()

    async def stop_cleanly(self) -> None:
        """SIGTERM: the doors close, what is under way ends; after ten seconds what is left is abandoned."""
        engine, running = self._engine, self._running
        if self._doors is not None and engine is not None and running is not None:
            self._doors = None
            self._stopping = asyncio.create_task(self._stop(engine, running))
            await asyncio.shield(self._stopping)  # whoever gave the signal may go away; the process ends all the same

    async def _stop(self, engine: Engine, running: "asyncio.Task[None]") -> None:
        engine.stop()
        done, _ = await asyncio.wait({running}, timeout=STOP_S)
        if self._running is running:
            self._end("drained" if done else "killed")

    async def _keep_alive(self) -> None:
        """Starts the engine, and starts it again whenever it ended, as a service manager does."""
        while True:
            self._ended.clear()
            self._running = asyncio.create_task(self._one_process())
            await self._ended.wait()
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
            await self.true_clock.sleep(self._chance.uniform(0.05, 5))
            self._draw_crash()

    async def _one_process(self) -> None:
        self.watch.processes.append(Process(started_at=self.true_clock.now()))
        self._ledger = self.variant.ledger(
            MemoryLedger(self.state, after_commit=self._after_commit, before_commit=self._before_commit)
        )
        hosts: dict[str, World] = {"graph": self.meta, "kpi": self.knowlarity, "crm": self.crm, "chat": self.chat}
        self._bell = LocalBell()
        self._network = VirtualNetwork(hosts, self.true_clock, self.sent)
        self._engine = self.variant.engine(self._setup(self._ledger, self._network))
        await self._engine.start()
        intake = self.variant.intake(self._engine.intake)
        self._doors = Doors(self._engine.sources, intake, self.refusals, self.true_clock, DoorLimits(), _nothing_behind)
        try:
            await self._engine.run()
        finally:
            self._engine.abandon()

    def _setup(self, ledger: MemoryLedger, network: VirtualNetwork) -> EngineSetup:
        policy = SourcePolicy(identity=IdentityPolicy(region=REGION))
        everything = Mapping.compile(None, None)
        sources = {
            "meta": self._source(meta_connector, self._meta_settings(), "meta", network),
            "knowlarity": self._source(knowlarity_connector, {"webhook_token": TOKEN}, "knowlarity", network),
            "pulled": self.variant.source("pulled", self.pulled),
        }
        poll = PollPolicy(source="pulled", interval_s=self.plan.poll_s)
        names = frozenset(sources)
        return EngineSetup(
            ledger=ledger,
            sources={
                name: SourceSetup(source=source, policy=policy, poll=poll if name == "pulled" else None)
                for name, source in sources.items()
            },
            lanes={"crm": self._lane("crm", network), "chat": self._lane("chat", network)},
            routes=[
                Route(sync="crm", destination="crm", sources=names, mapping=everything),
                Route(sync="chat", destination="chat", sources=names, mapping=everything, grain="record"),
            ],
            clock=self.clock,
            chance=self._chance,
            bell=self._bell,
            observer=self.watch,
            new_id=self._ids,
            owner=f"process-{self.crashes}",
        )

    def _source(self, connector: Connector, settings: dict[str, Any], name: str, network: VirtualNetwork) -> object:
        assert connector.source is not None
        decoded = msgspec.convert(settings, connector.settings, dec_hook=decode_setting)
        tools = Tools(name=name, http=network, now=self.clock.now, region=REGION)
        return self.variant.source(name, connector.source(decoded, tools))

    def _meta_settings(self) -> dict[str, Any]:
        return {
            "app_secret": self.meta.app.secret,
            "verify_token": self.meta.app.verify_token,
            "graph_url": "https://graph",
            "pages": [{"id": page.id, "access_token": page.access_token} for page in self.meta.pages.values()],
        }

    def _lane(self, name: str, network: VirtualNetwork) -> LaneSetup:
        assert http_connector.destination is not None
        settings = msgspec.convert(
            {"url": f"https://{name}/leads", "secret": example_crm_secret()},
            http_connector.settings,
            dec_hook=decode_setting,
        )
        tools = Tools(name=name, http=network, now=self.clock.now, region=REGION, timeout_s=self.variant.timeout_s)
        destination = self.variant.destination(name, http_connector.destination(settings, tools))
        rate = (float(self.plan.crm_rate), 1.0) if name == "crm" and self.plan.crm_rate else None
        policy = LanePolicy(destination=name, mappings={}, concurrency=self.plan.concurrency, rate=rate)
        return LaneSetup(destination=destination, policy=policy)


async def _nothing_behind(scope: Any, receive: Any, send: Any) -> None:
    del receive
    await send({"type": "http.response.start", "status": 404, "headers": []})
    await send({"type": "http.response.body", "body": scope["path"].encode()})
