"""Seeded lives of the real engine: whatever breaks, nothing acknowledged is lost and nothing arrives twice."""

import os

import pytest

from simulation.auditor import audit
from simulation.life import Life
from simulation.variant import Variant

SEEDS = 10_000 if os.environ.get("LEADWIRE_SOAK") else 200
PER_TEST = 20


@pytest.mark.parametrize("first", range(0, SEEDS, PER_TEST))
def test_whatever_breaks_nothing_is_lost_and_nothing_arrives_twice(first: int) -> None:
    for seed in range(first, first + PER_TEST):
        life = Life(seed, Variant())
        life.run()
        assert audit(life) == [], f"seed {seed}, {life.crashes} crashes, plan {life.plan}"
