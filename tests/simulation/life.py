"""A whole leadwire in virtual time, from one seed: simulated Meta, Knowlarity and two destinations, faults, crashes after any commit."""

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
from leadwire.model.times import MINUTE, Instant, seconds
from leadwire.rules.identity import IdentityPolicy
from leadwire.rules.mapping import Mapping
from leadwire.rules.resolution import SourcePolicy
from leadwire.rules.routing import Route
from leadwire.sdk import Connector, Tools, decode_setting
from leadwire.simulators.catalogue import example_crm_secret, example_knowlarity, example_meta
from leadwire.simulators.crm.faults import Faults as CrmFaults
from leadwire.simulators.crm.faults import Outage, Scripted
from leadwire.simulators.crm.world import CrmWorld
from leadwire.simulators.knowlarity.faults import Faults as KnowlarityFaults
from leadwire.simulators.meta.faults import Faults as MetaFaults
from leadwire.simulators.push import Push, PushingWorld
from leadwire.simulators.traffic import Mix, Traffic
from leadwire.store.memory import MemoryLedger, MemoryState
from leadwire.testing.virtual_time import VirtualClock, VirtualLoop, run_virtually
from leadwire.web.doors import Doors
from leadwire.web.limits import DoorLimits
from simulation.network import VirtualNetwork, knock
from simulation.pulled import PulledSource
from simulation.variant import Variant
from simulation.watch import Watch

TOKEN = "simulated-token"
REGION = "IN"
QUIET_AFTER: Instant = 5 * MINUTE


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a seed decides about a life."""

    leads: int
    traffic_s: float
    crashes: int
    meta: MetaFaults
    knowlarity: KnowlarityFaults
    crm: CrmFaults
    chat: CrmFaults


def plan(chance: random.Random, start: Instant) -> Plan:
    """Draws a life. Every fault is on in some lives and off in others."""

    def sometimes(share: float) -> float:
        return share if chance.random() < 0.5 else 0.0

    def outages(status: int) -> tuple[Outage, ...]:
        begin = start + seconds(chance.uniform(1, 200))
        outage = Outage(from_at=begin, until_at=begin + seconds(chance.uniform(5, 300)), status=status)
        return (outage,) if chance.random() < 0.5 else ()

    waits = tuple(
        Scripted(status=chance.choice((200, 200, 429, 503)), retry_after_s=chance.randint(1, 30)) for _ in range(8)
    )
    return Plan(
        leads=chance.randint(5, 25),
        traffic_s=chance.uniform(1, 240),
        crashes=chance.randint(0, 5),
        meta=MetaFaults(
            webhook_delay_us=0,
            webhook_delay_jitter_us=seconds(sometimes(20)),
            duplicate_webhook_share=sometimes(0.3),
            updates_per_post_max=chance.choice((1, 5, 1000)),
            foreign_change_share=sometimes(0.2),
            numeric_id_share=sometimes(0.5),
            readable_after_us=seconds(sometimes(chance.uniform(1, 90))),
            server_error_share=sometimes(0.1),
            batch_null_share=sometimes(0.1),
            reset_share=sometimes(0.05),
            hang_share=sometimes(0.01),
            latency_us=20_000,
            latency_jitter_us=seconds(sometimes(2)),
            require_appsecret_proof=chance.random() < 0.5,
        ),
        knowlarity=KnowlarityFaults(
            push_shape=chance.choice(("json", "form", "query")),
            duplicate_push_share=sometimes(0.3),
            prefixed_agent_share=sometimes(0.5),
            withheld_share=sometimes(0.1),
            drift_share=sometimes(0.3),
        ),
        crm=CrmFaults(
            latency_us=5_000,
            latency_jitter_us=seconds(sometimes(1)),
            outages=outages(chance.choice((0, 500, 503))),
            script=waits if chance.random() < 0.3 else (),
            reset_share=sometimes(0.1),
            lost_reply_share=sometimes(0.3),
            server_error_share=sometimes(0.2),
            hang_share=sometimes(0.02),
            poison_texts=("Example City 7",) if chance.random() < 0.3 else (),
        ),
        chat=CrmFaults(
            latency_us=5_000, outages=outages(503), lost_reply_share=sometimes(0.3), hang_share=sometimes(0.2)
        ),
    )


class Life:
    """One seed's world and the engine in it. `run` lives it to the end; then the auditor looks at what is left."""

    def __init__(self, seed: int, variant: Variant) -> None:
        self.seed = seed
        self.variant = variant
        self.loop = VirtualLoop()
        self.clock = VirtualClock(self.loop)
        self._chance = random.Random(seed)
        self.plan = plan(self._chance, self.clock.now())
        self.meta = example_meta(random.Random(seed + 1))
        self.knowlarity = example_knowlarity(random.Random(seed + 2))
        self.crm = CrmWorld(random.Random(seed + 3), secret=example_crm_secret())
        self.chat = CrmWorld(random.Random(seed + 4), secret=example_crm_secret(), idempotent=False)
        self.pulled = PulledSource(random.Random(seed + 5), self.clock)
        self.meta.faults = self.plan.meta
        self.knowlarity.faults = self.plan.knowlarity
        self.crm.faults = self.plan.crm
        self.chat.faults = self.plan.chat
        self.state = MemoryState()
        self.watch = Watch()
        self.refusals = Refusals()
        self.crashes = 0
        self._commits_to_crash = self._draw_crash()
        self._ids = id_maker(self.clock, random.Random(seed + 6))
        self._engine: Engine | None = None
        self._doors: Doors | None = None
        self._network: VirtualNetwork | None = None
        self._died = asyncio.Event()

    def run(self) -> None:
        """Lives through traffic and faults, then heals everything and waits until all is quiet."""
        run_virtually(self._live(), self.loop)

    def ledger(self) -> MemoryLedger:
        """A look at what is stored."""
        return MemoryLedger(self.state)

    async def _live(self) -> None:
        keeper = asyncio.create_task(self._keep_alive())
        senders = [
            asyncio.create_task(self._send_all(self.meta, "meta", "")),
            asyncio.create_task(self._send_all(self.knowlarity, "knowlarity", TOKEN)),
        ]
        await self._traffic()
        await self.clock.sleep(60)
        self._heal()
        await self._until_quiet()
        for task in (keeper, *senders):
            task.cancel()
        await asyncio.gather(keeper, *senders, return_exceptions=True)

    def _heal(self) -> None:
        self._commits_to_crash = None
        self.meta.faults = MetaFaults(latency_us=20_000)
        self.knowlarity.faults = KnowlarityFaults(push_shape=self.plan.knowlarity.push_shape)
        self.crm.faults = CrmFaults(latency_us=5_000, poison_texts=self.plan.crm.poison_texts)
        self.chat.faults = CrmFaults(latency_us=5_000)
        self.pulled.heal()

    async def _traffic(self) -> None:
        traffic = Traffic(self._chance, meta=self.meta, knowlarity=self.knowlarity, mix=Mix(talk_s_max=30))
        for _ in range(self.plan.leads):
            traffic.step(self.clock.now())
            self.pulled.grow()
            await self.clock.sleep(self._chance.expovariate(self.plan.leads / self.plan.traffic_s))

    async def _until_quiet(self) -> None:
        """Liveness: with all faults off, everything owed is settled within an hour (a retry of Meta's takes up to that long)."""
        deadline = self.clock.now() + 60 * MINUTE
        quiet_since = self.clock.now()
        while self.clock.now() < deadline and self.clock.now() - quiet_since < QUIET_AFTER:
            await self.clock.sleep(10)
            if self._is_owing() or self._is_pushing():
                quiet_since = self.clock.now()

    def _is_owing(self) -> bool:
        states = {row.state for row in self.state.deliveries.rows.values()}
        states |= {row.state for row in self.state.fetches.rows.values()}
        return bool(self.state.events.unresolved) or not states.isdisjoint(("pending", "leased"))

    def _is_pushing(self) -> bool:
        return any(world.next_push_at() is not None for world in (self.meta, self.knowlarity))

    async def _send_all(self, world: PushingWorld, source: str, token: str) -> None:
        async with asyncio.TaskGroup() as group:
            while True:
                for push in world.notifications_due(self.clock.now()):
                    group.create_task(self._send(world, source, token, push))
                await self.clock.sleep(0.1)

    async def _send(self, world: PushingWorld, source: str, token: str, push: Push) -> None:
        doors = self._doors
        status, body = (None, b"") if doors is None else await knock(doors, source, push, token)
        if doors is not self._doors:
            status = None  # the process died before its answer could leave
        self.watch.answered(source, push, status)
        world.acknowledge(push, status, self.clock.now(), body)

    def _draw_crash(self) -> int | None:
        return self._chance.randint(1, 120) if self.crashes < self.plan.crashes else None

    def _after_commit(self, verb: str) -> None:
        if self._commits_to_crash is None:
            return
        self._commits_to_crash -= 1
        if self._commits_to_crash <= 0:
            self.watch.crashed_after.append(verb)
            self.crashes += 1
            self._commits_to_crash = None
            self._die()
            raise SimulatedCrash(verb)

    def _die(self) -> None:
        self._doors = None
        if self._network is not None:
            self._network.is_up = False
        self._died.set()

    async def _keep_alive(self) -> None:
        """Starts the engine, and starts it again whenever it died, as a service manager does."""
        while True:
            self._died.clear()
            running = asyncio.create_task(self._one_process())
            await self._died.wait()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await self.clock.sleep(self._chance.uniform(0.05, 5))
            self._commits_to_crash = self._draw_crash()

    async def _one_process(self) -> None:
        ledger = MemoryLedger(self.state, after_commit=self._after_commit)
        self._network = VirtualNetwork(
            {"graph": self.meta, "kpi": self.knowlarity, "crm": self.crm, "chat": self.chat}, self.clock
        )
        self._engine = self.variant.engine(self._setup(ledger, self._network))
        await self._engine.start()
        self._doors = Doors(
            self._engine.sources, self._engine.intake, self.refusals, self.clock, DoorLimits(), _nothing_behind
        )
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
        poll = PollPolicy(source="pulled", interval_s=20.0)
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
            bell=LocalBell(),
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
        tools = Tools(name=name, http=network, now=self.clock.now, region=REGION, timeout_s=15.0)
        destination = self.variant.destination(name, http_connector.destination(settings, tools))
        return LaneSetup(destination=destination, policy=LanePolicy(destination=name, mappings={}))


class SimulatedCrash(BaseException):
    """The process ends here. Not an Exception: nothing may catch it."""


async def _nothing_behind(scope: Any, receive: Any, send: Any) -> None:
    del receive
    await send({"type": "http.response.start", "status": 404, "headers": []})
    await send({"type": "http.response.body", "body": scope["path"].encode()})
