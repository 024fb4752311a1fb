"""The gate: a check that lets broken engines pass proves nothing. Each mistake must be caught, and for the right reason."""

from collections.abc import Callable

import pytest

from leadwire.testing.virtual_time import Deadlock, Livelock
from simulation.auditor import audit
from simulation.broken import BROKEN
from simulation.life import Life
from simulation.test_lives import SEEDS as LIVED
from simulation.variant import Variant

SEEDS = 100


def found_in(seed: int, variant: Variant) -> set[str]:
    """The kinds of violations in one life."""
    life = Life(seed, variant)
    try:
        life.run()
    except (Deadlock, Livelock):
        return {"stuck"}
    return {violation.kind for violation in audit(life)}


@pytest.mark.parametrize("broken", BROKEN, ids=lambda variant: variant.__name__)
def test_a_broken_engine_is_caught(broken: type[Variant], record_property: Callable[[str, object], None]) -> None:
    found: set[str] = set()
    for seed in range(SEEDS):
        found |= found_in(seed, broken())
        if found & broken.expected:
            record_property("caught", "yes")
            return
    record_property("caught", "no")
    pytest.fail(f"{broken.__name__} was not caught in {SEEDS} lives; found only {sorted(found) or 'nothing'}")


def test_the_real_engine_lives_all_these_lives_too() -> None:
    """test_lives.py finds no violation in them; here it is only made sure that they are the same ones."""
    assert SEEDS <= LIVED


def test_the_same_seed_is_the_same_life() -> None:
    """Otherwise a seed that failed says nothing. Run it with several PYTHONHASHSEED to see that no set's order matters."""

    def story(seed: int) -> list[tuple[str, str, int, int | None]]:
        life = Life(seed, Variant())
        life.run()
        return [(sent.host, sent.key, sent.at, sent.status) for sent in life.sent]

    assert story(3) == story(3)
