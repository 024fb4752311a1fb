"""The engine put together: every service of a lead's life on one ledger. It knows no concrete store and no concrete connector."""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from leadwire.engine.dispatch import Lane, LanePolicy, LaneTools
from leadwire.engine.hydrate import Hydrate, HydrateTools
from leadwire.engine.intake import Intake
from leadwire.engine.observer import Observer
from leadwire.engine.pauses import Pauses, scopes_of
from leadwire.engine.poll import Poll, PollPolicy, PollTools
from leadwire.engine.prune import Prune, Retention
from leadwire.engine.rescue import Rescue
from leadwire.engine.resolve import Resolve, ResolveRules
from leadwire.engine.step import Service
from leadwire.engine.supervisor import Supervisor
from leadwire.ports.bell import Bell
from leadwire.ports.clock import Chance, Clock
from leadwire.ports.ledger import Ledger
from leadwire.rules.resolution import SourcePolicy
from leadwire.rules.routing import Route
from leadwire.sdk.destination import Destination
from leadwire.sdk.source import FetchingSource, PullSource


class SourceSetup(msgspec.Struct, frozen=True, kw_only=True):
    """A source as the engine uses it. `poll` None: it is never asked."""

    source: object
    policy: SourcePolicy = SourcePolicy()
    poll: PollPolicy | None = None


class LaneSetup(msgspec.Struct, frozen=True, kw_only=True):
    """A destination with its limits."""

    destination: Destination
    policy: LanePolicy


class EngineSetup(msgspec.Struct, frozen=True, kw_only=True):
    """All that an engine is made of. `owner` names this process in leases; `companions` are services that run beside it."""

    ledger: Ledger
    sources: Mapping[str, SourceSetup]
    lanes: Mapping[str, LaneSetup]
    routes: Sequence[Route]
    clock: Clock
    chance: Chance
    bell: Bell
    observer: Observer
    new_id: Callable[[], str]
    owner: str
    retention: Retention = Retention()
    companions: Sequence[Service] = ()
    works: bool = True
    polls: bool = True


class Engine:
    """A running leadwire without its web server. `start`, then `run` until `stop`."""

    def __init__(self, setup: EngineSetup) -> None:
        self._setup = setup
        ledger = setup.ledger
        self.sources = {name: source.source for name, source in setup.sources.items()}
        self.pauses = Pauses(ledger.pauses, setup.observer)
        self.intake = Intake(ledger.events, setup.clock, setup.bell)
        self.rules = ResolveRules(
            policies={name: source.policy for name, source in setup.sources.items()},
            routes=setup.routes,
            new_id=setup.new_id,
        )
        self.resolve = Resolve(ledger.events, ledger.leads, self.sources, self.rules, setup.bell, setup.observer)
        self.rescue = Rescue(ledger.deliveries, ledger.fetches, setup.bell, setup.observer)
        self.lanes = {name: self._lane(lane) for name, lane in setup.lanes.items()}
        self.hydrates = {
            name: Hydrate(name, source, self._hydrate_tools())
            for name, source in self.sources.items()
            if isinstance(source, FetchingSource)
        }
        self.polls = {
            name: Poll(source.source, source.poll, self._poll_tools())
            for name, source in setup.sources.items()
            if source.poll is not None and isinstance(source.source, PullSource)
        }
        self.supervisor = Supervisor(self._services(), setup.bell, setup.clock, setup.observer)

    async def start(self) -> None:
        """Takes back what a dead process left leased, and tries again what waited for a restart."""
        setup = self._setup
        now = setup.clock.now()
        await self.pauses.load()
        lifted = await self.pauses.lift_causes("auth")
        await self.rescue.at_start(now, owner_is_alone=setup.ledger.owner_is_alone)
        for name, source in self.sources.items():
            if scopes := getattr(source, "scopes", ()):
                await setup.ledger.fetches.requeue(name, (), scopes, now)
            if mended := scopes_of(name, lifted):
                await setup.ledger.fetches.hasten(name, mended, now)

    async def run(self) -> None:
        """Runs every service until `stop`; returns when they have drained."""
        await self.supervisor.run()

    def stop(self) -> None:
        """Asks every service to end after its present step."""
        self.supervisor.stop()

    def abandon(self) -> None:
        """Cancels whatever is under way, when there is no time left: all of it is owed and comes again at the next start."""
        for hydrate in self.hydrates.values():
            hydrate.abandon()
        for lane in self.lanes.values():
            lane.abandon()

    def _services(self) -> list[Service]:
        """In the order in which they drain: what comes in first, what goes out last."""
        setup = self._setup
        services: list[Service] = [self.intake, *setup.companions]
        if setup.polls:
            services += self.polls.values()
        if setup.works:
            services += [*self.hydrates.values(), self.resolve, *self.lanes.values(), self.rescue, self._prune()]
        elif setup.polls:
            services.append(self.resolve)
        return services

    def _prune(self) -> Prune:
        ledger = self._setup.ledger
        return Prune(ledger.events, ledger.delivery_book, ledger.users, self._setup.retention)

    def _lane(self, lane: LaneSetup) -> Lane:
        setup = self._setup
        tools = LaneTools(
            queue=setup.ledger.deliveries,
            pauses=self.pauses,
            bell=setup.bell,
            clock=setup.clock,
            chance=setup.chance,
            observer=setup.observer,
            owner=setup.owner,
        )
        return Lane(lane.destination, lane.policy, tools)

    def _hydrate_tools(self) -> HydrateTools:
        setup = self._setup
        return HydrateTools(
            queue=setup.ledger.fetches,
            resolve=self.resolve,
            pauses=self.pauses,
            bell=setup.bell,
            clock=setup.clock,
            chance=setup.chance,
            observer=setup.observer,
            owner=setup.owner,
        )

    def _poll_tools(self) -> PollTools:
        setup = self._setup
        return PollTools(
            leads=setup.ledger.leads,
            resolve=self.resolve,
            pauses=self.pauses,
            clock=setup.clock,
            chance=setup.chance,
            observer=setup.observer,
        )
