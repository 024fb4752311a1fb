"""Seeded chance: what a share and a jitter mean in every simulator."""

from random import Random

from leadwire.model.times import Instant


def happens(random: Random, share: float) -> bool:
    """True in `share` of the calls: 0 never, 1 always. Draws nothing at 0, so an unused switch changes no seed."""
    return share > 0 and random.random() < share


def spread(random: Random, least_us: Instant, jitter_us: Instant) -> Instant:
    """A duration from `least_us` to `least_us + jitter_us`, evenly spread."""
    return least_us + random.randrange(jitter_us + 1) if jitter_us > 0 else least_us
