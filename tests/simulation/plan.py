"""What a seed decides about a life: how much traffic, which faults, what befalls it and when."""

import random
from typing import Literal

import msgspec

from leadwire.model.times import HOUR, Instant, seconds
from leadwire.simulators.crm.faults import Faults as CrmFaults
from leadwire.simulators.crm.faults import Outage, Scripted
from leadwire.simulators.knowlarity.faults import Faults as KnowlarityFaults
from leadwire.simulators.meta.faults import Faults as MetaFaults

LATENCY: Instant = 5_000

What = Literal[
    "token dies", "page throttled", "app limited", "access denied", "access missing", "sample", "table down",
    "clock jumps", "clean stop", "split",
]  # fmt: skip
NEEDS_RESTART: frozenset[What] = frozenset({"token dies", "access denied", "access missing"})


class Episode(msgspec.Struct, frozen=True, kw_only=True):
    """Something that begins at `at_s` and is over `for_s` later. `page` is the number of a page, `jump` that of a clock."""

    what: What
    at_s: float
    for_s: float = 0.0
    page: int = 0
    jump: Instant = 0


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """One life. `crm_rate` is requests in any second; `gather_s` is how long Meta gathers leads for one
    request; `signs` says whether the CRM checks our signatures (and so our clock)."""

    leads: int
    traffic_s: float
    crashes: int
    episodes: tuple[Episode, ...]
    meta: MetaFaults
    knowlarity: KnowlarityFaults
    crm: CrmFaults
    chat: CrmFaults
    concurrency: int
    poll_s: float
    gather_s: float
    crm_rate: int | None
    signs: bool

    def has(self, what: What) -> bool:
        """Whether it happens in this life."""
        return any(episode.what == what for episode in self.episodes)

    @property
    def needs_restart(self) -> bool:
        """Whether a human must put something right and start leadwire again, as the setup guide says."""
        return any(episode.what in NEEDS_RESTART for episode in self.episodes)


def draw_plan(chance: random.Random, start: Instant) -> Plan:
    """Draws a life. Every fault is on in some lives and off in others."""
    traffic_s = chance.uniform(1, 240)
    episodes = _episodes(chance, traffic_s)
    jumps = any(episode.what == "clock jumps" for episode in episodes)
    return Plan(
        leads=chance.randint(5, 25),
        traffic_s=traffic_s,
        crashes=chance.randint(0, 8),
        episodes=episodes,
        meta=_meta(chance),
        knowlarity=_knowlarity(chance),
        crm=_crm(chance, start),
        chat=_chat(chance, start),
        concurrency=chance.choice((1, 2, 8)),
        poll_s=chance.choice((20.0, 120.0)),
        gather_s=chance.choice((0.01, 0.1, 5.0, 20.0)),
        crm_rate=chance.choice((1, 2, 4)) if chance.random() < 0.25 else None,
        signs=not jumps or chance.random() < 0.3,
    )


def is_calm(faults: CrmFaults) -> bool:
    """Whether this destination always answers at once."""
    return msgspec.structs.replace(faults, poison_texts=()) == CrmFaults(latency_us=LATENCY)


def _episodes(chance: random.Random, traffic_s: float) -> tuple[Episode, ...]:
    shares: dict[What, float] = {
        "token dies": 0.15,
        "page throttled": 0.15,
        "app limited": 0.1,
        "access denied": 0.08,
        "access missing": 0.08,
        "sample": 0.2,
        "table down": 0.25,
        "clock jumps": 0.15,
        "clean stop": 0.3,
        "split": 0.3,
    }
    episodes = []
    for what, share in shares.items():
        while chance.random() < share:
            episode = Episode(
                what=what,
                at_s=chance.uniform(0, traffic_s + 20),
                for_s=chance.uniform(5, 250),
                page=chance.randrange(2),
                jump=chance.choice((-HOUR, HOUR)),
            )
            episodes.append(episode)
    return tuple(episodes)


def _sometimes(chance: random.Random, share: float) -> float:
    return share if chance.random() < 0.5 else 0.0


def _meta(chance: random.Random) -> MetaFaults:
    return MetaFaults(
        webhook_delay_us=0,
        webhook_delay_jitter_us=seconds(_sometimes(chance, 20)),
        duplicate_webhook_share=_sometimes(chance, 0.3),
        updates_per_post_max=chance.choice((1, 5, 1000)),
        foreign_change_share=_sometimes(chance, 0.2),
        numeric_id_share=_sometimes(chance, 0.5),
        readable_after_us=seconds(_sometimes(chance, chance.uniform(1, 90))),
        server_error_share=_sometimes(chance, 0.1),
        batch_null_share=_sometimes(chance, 0.1),
        reset_share=_sometimes(chance, 0.05),
        hang_share=_sometimes(chance, 0.01),
        latency_us=20_000,
        latency_jitter_us=seconds(_sometimes(chance, 2)),
        require_appsecret_proof=chance.random() < 0.5,
    )


def _knowlarity(chance: random.Random) -> KnowlarityFaults:
    return KnowlarityFaults(
        push_shape=chance.choice(("json", "form", "query")),
        push_delay_jitter_us=seconds(_sometimes(chance, 60)),
        duplicate_push_share=_sometimes(chance, 0.3),
        prefixed_agent_share=_sometimes(chance, 0.5),
        withheld_share=_sometimes(chance, 0.1),
        drift_share=_sometimes(chance, 0.3),
    )


def _crm(chance: random.Random, start: Instant) -> CrmFaults:
    poison = ("Jaipur", "Madhu") if chance.random() < 0.3 else ()
    if chance.random() < 0.3:
        return CrmFaults(latency_us=LATENCY, poison_texts=poison)
    waits = tuple(
        Scripted(
            status=chance.choice((200, 200, 429, 503)),
            retry_after_s=chance.randint(1, 30),
            retry_after_as_date=chance.random() < 0.3,
        )
        for _ in range(8)
    )
    return CrmFaults(
        latency_us=LATENCY,
        latency_jitter_us=seconds(_sometimes(chance, 1)),
        outages=_outages(chance, start, (0, 500, 503, 410)),
        script=waits if chance.random() < 0.3 else (),
        reset_share=_sometimes(chance, 0.1),
        lost_reply_share=_sometimes(chance, 0.3),
        server_error_share=_sometimes(chance, 0.2),
        hang_share=_sometimes(chance, 0.02),
        poison_texts=poison,
    )


def _chat(chance: random.Random, start: Instant) -> CrmFaults:
    if chance.random() < 0.3:
        return CrmFaults(latency_us=LATENCY)
    return CrmFaults(
        latency_us=LATENCY,
        outages=_outages(chance, start, (503, 410)),
        lost_reply_share=_sometimes(chance, 0.3),
        hang_share=_sometimes(chance, 0.2),
    )


def _outages(chance: random.Random, start: Instant, statuses: tuple[int, ...]) -> tuple[Outage, ...]:
    begin = start + seconds(chance.uniform(1, 200))
    outage = Outage(from_at=begin, until_at=begin + seconds(chance.uniform(5, 300)), status=chance.choice(statuses))
    return (outage,) if chance.random() < 0.5 else ()
