"""What befalls a life at its own time: dead tokens, limits, jumping clocks, stops, and people who split leads."""

import asyncio
from typing import TYPE_CHECKING, assert_never

import msgspec

from leadwire.model.errors import StoreError
from leadwire.model.times import seconds
from leadwire.simulators.meta.faults import Faults as MetaFaults
from simulation.plan import Episode

if TYPE_CHECKING:
    from simulation.life import Life

DEAD_SUBCODE = 463


class SimulatedCrash(BaseException):
    """The process ends here. Not an Exception: nothing may catch it."""


class Episodes:
    """Plays the episodes of a life. `end` stops them all and puts right what they did, as far as time or a human can."""

    def __init__(self, life: "Life") -> None:
        self._life = life
        self._tasks: list[asyncio.Task[None]] = []
        self._jumps: list[int] = []

    def begin(self) -> None:
        """Every episode waits for its own time."""
        self._tasks = [asyncio.create_task(self._play(episode)) for episode in self._life.plan.episodes]

    def end(self) -> None:
        """No more of them. Tokens that died get a successor, which only the next process knows."""
        for task in self._tasks:
            task.cancel()
        meta = self._life.meta
        dead = meta.faults.dead_tokens
        meta.faults = MetaFaults(latency_us=20_000, dead_tokens=dead)
        for page in list(meta.pages.values()):
            if page.access_token in dead:
                renewed = msgspec.structs.replace(page, access_token=page.access_token + "-renewed")
                meta._book.pages[page.id] = renewed

    async def _play(self, episode: Episode) -> None:
        life = self._life
        await life.true_clock.sleep(episode.at_s)
        match episode.what:
            case "clean stop":
                await life.stop_cleanly()
            case "split":
                await self._split()
            case "sample":
                life.meta.send_dashboard_sample(self._page_id(episode), life.true_clock.now())
                life.tell_senders()
            case "table down":
                life.pulled.is_down = True
                await life.true_clock.sleep(episode.for_s)
                life.pulled.is_down = False
            case "clock jumps":
                life.clock.skew = episode.jump
                await life.true_clock.sleep(episode.for_s)
                life.clock.skew = 0
            case "token dies" | "page throttled" | "app limited" | "access denied" | "access missing":
                await self._meta(episode)
            case _:
                assert_never(episode.what)

    async def _meta(self, episode: Episode) -> None:
        """A trouble with Meta; those that need a human last until the end of the faults."""
        meta = self._life.meta
        until = self._life.true_clock.now() + seconds(episode.for_s)
        page_id = self._page_id(episode)
        match episode.what:
            case "token dies":
                dead = {**meta.faults.dead_tokens, meta.pages[page_id].access_token: DEAD_SUBCODE}
                meta.faults = msgspec.structs.replace(meta.faults, dead_tokens=dead)
            case "page throttled":
                throttled = {**meta.faults.throttled_pages, page_id: until}
                meta.faults = msgspec.structs.replace(meta.faults, throttled_pages=throttled)
            case "app limited":
                meta.faults = msgspec.structs.replace(meta.faults, app_limit_until=until)
            case _:
                how = "denied" if episode.what == "access denied" else "missing"
                await self._take_access(page_id, how, episode.for_s)

    async def _take_access(self, page_id: str, how: str, for_s: float) -> None:
        meta = self._life.meta
        taken = msgspec.convert({**meta.faults.leads_access, page_id: how}, dict)
        meta.faults = msgspec.structs.replace(meta.faults, leads_access=taken)
        await self._life.true_clock.sleep(for_s)
        given = {page: word for page, word in meta.faults.leads_access.items() if page != page_id}
        meta.faults = msgspec.structs.replace(meta.faults, leads_access=given)

    def _page_id(self, episode: Episode) -> str:
        return list(self._life.meta.pages)[episode.page]

    async def _split(self) -> None:
        """Someone takes a record out of a lead that has several, those that were merged first."""
        state, steering = self._life.state, self._life.steering
        kept = {merge.kept for merge in state.leads.merges.values()}
        several = [
            lead_id
            for lead_id, keys in state.records.of_lead.items()
            if len(keys) > 1 and state.leads.rows[lead_id].merged_into is None
        ]
        if steering is None or not several:
            return
        lead_id = min(several, key=lambda one: (one not in kept, one))
        try:
            await steering.split_lead(lead_id, [next(iter(state.records.of_lead[lead_id]))])
        except (StoreError, SimulatedCrash):
            return  # the process ended under it; people press the button again, or not
        self._life.watch.counts["splits"] += 1
