"""The gate: a check that lets broken engines pass proves nothing. Each mistake must be caught, and for the right reason."""

import pytest

from leadwire.testing.virtual_time import Deadlock, Livelock
from simulation.auditor import audit
from simulation.broken import BROKEN
from simulation.life import Life
from simulation.variant import Variant

SEEDS = 40


def found_in(seed: int, variant: Variant) -> set[str]:
    """The kinds of violations in one life."""
    life = Life(seed, variant)
    try:
        life.run()
    except (Deadlock, Livelock):
        return {"stuck"}
    return {violation.kind for violation in audit(life)}


@pytest.mark.parametrize("broken", BROKEN, ids=lambda variant: variant.__name__)
def test_a_broken_engine_is_caught(broken: type[Variant]) -> None:
    found: set[str] = set()
    for seed in range(SEEDS):
        found |= found_in(seed, broken())
        if found & broken.expected:
            return
    pytest.fail(f"{broken.__name__} was not caught in {SEEDS} lives; found only {sorted(found) or 'nothing'}")


def test_the_real_engine_passes_where_the_broken_ones_are_caught() -> None:
    for seed in range(SEEDS):
        assert found_in(seed, Variant()) == set(), f"seed {seed}"
