"""docs/lifecycle.md has a sentence for every state and arrow, and none for a state that is not there."""

import re
from typing import Any, get_args, get_type_hints

import pytest

from house.repository import SOURCE, page, sections
from leadwire.model.changes import EventDone
from leadwire.model.delivery import DeliveryState, Settlement
from leadwire.model.event import EventState
from leadwire.model.lead import DeskState
from leadwire.model.pull import FetchSettlement, FetchState
from leadwire.rules.breaker import BreakerState

ARROW = re.compile(r"^- `(\w+) → (\w+)`: (.+)$", re.MULTILINE)
STATES = {
    "Event": EventState,
    "Fetch": FetchState,
    "Delivery": DeliveryState,
    "Breaker": BreakerState,
    "Desk": DeskState,
}


def _arrows(section: str) -> set[tuple[str, str]]:
    text = sections(page("docs/lifecycle.md"))[section]
    return {(start, end) for start, end, _ in ARROW.findall(text)}


def _states(kind: Any) -> set[str]:
    return set(get_args(kind))


@pytest.mark.parametrize("section", STATES)
def test_every_state_has_an_arrow_and_no_other_word_has_one(section: str) -> None:
    named = {state for arrow in _arrows(section) for state in arrow}
    assert named == _states(STATES[section])


@pytest.mark.parametrize(
    ("section", "start", "struct"),
    [("Event", "stored", EventDone), ("Fetch", "leased", FetchSettlement), ("Delivery", "leased", Settlement)],
)
def test_every_end_that_the_code_can_decide_has_its_arrow(section: str, start: str, struct: type) -> None:
    ends = _states(get_type_hints(struct)["state"])
    assert ends <= {end for begin, end in _arrows(section) if begin == start}


def test_no_arrow_stands_twice() -> None:
    for section in STATES:
        found = ARROW.findall(sections(page("docs/lifecycle.md"))[section])
        assert len(found) == len(_arrows(section))


def test_every_file_in_brackets_exists() -> None:

    named = re.findall(r"\[((?:engine|rules|ports|model)/\w+\.py)\]", page("docs/lifecycle.md"))
    assert len(named) > 5
    assert [name for name in named if not (SOURCE / name).is_file()] == []
