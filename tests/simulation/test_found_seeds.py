"""Lives in which the auditor once found a fault of the engine, and what it was. Each seed failed before its fix.

A seed stands for the same life only while plans are drawn in the same order, so each fault also has a unit test of its own.
"""

import pytest

from simulation.auditor import audit
from simulation.life import Life
from simulation.variant import Variant

FOUND = {
    "a merge cancelled the posts of records that were still owed": (5, 59, 64, 240),
    "the shorter of two requests for silence that came together won": (35, 47, 241),
    "a clock that was set back an hour stopped the polls for an hour": (102, 163),
    "an id that had grown old while nobody could ask was parked at its first refusal": (13, 16, 100, 185),
}


@pytest.mark.parametrize(
    "seed", [pytest.param(seed, id=f"{seed}: {fault}") for fault, seeds in FOUND.items() for seed in seeds]
)
def test_what_was_found_once_is_mended(seed: int) -> None:
    life = Life(seed, Variant())
    life.run()
    assert audit(life) == []
