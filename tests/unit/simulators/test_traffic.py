from collections import Counter
from random import Random

import phonenumbers
import pytest

from leadwire.model.times import HOUR, MINUTE, SECOND, Instant
from leadwire.simulators.catalogue import example_knowlarity, example_meta
from leadwire.simulators.knowlarity.book import SimCall
from leadwire.simulators.meta.book import SimLead
from leadwire.simulators.people import person, typed_phone
from leadwire.simulators.traffic import Made, Mix, Traffic, produce


def make(seed: int, count: int, now: Instant, mix: Mix | None = None) -> list[Made]:
    random = Random(seed)
    traffic = Traffic(random, meta=example_meta(random), knowlarity=example_knowlarity(random), mix=mix)
    return [traffic.step(now + number * SECOND) for number in range(count)]


def phones(made: list[Made]) -> Counter[str]:
    customers = [call.dialled.customer for call in made if isinstance(call, SimCall)]
    return Counter(customers)


def test_the_same_seed_makes_the_same_leads(now: Instant) -> None:
    assert make(5, 200, now) == make(5, 200, now)
    assert make(5, 200, now) != make(6, 200, now)


def test_forms_and_calls_are_mixed_as_told(now: Instant) -> None:
    made = make(1, 2000, now, Mix(call_share=0.25, missed_share=0.5, organic_share=0.5))
    calls = [one for one in made if isinstance(one, SimCall)]
    leads = [one for one in made if isinstance(one, SimLead)]
    assert 400 < len(calls) < 600
    assert 0.4 < sum(not call.is_answered for call in calls) / len(calls) < 0.6
    assert 0.4 < sum(lead.origin.ad is None for lead in leads) / len(leads) < 0.6
    assert {lead.origin.platform for lead in leads} == {"fb", "ig"}


def test_people_write_in_many_scripts_and_tick_many_boxes(now: Instant) -> None:
    leads = [one for one in make(1, 1000, now) if isinstance(one, SimLead)]
    answers = [values for lead in leads for _, values in lead.answers]
    assert any(not name[0].isascii() for lead in leads for key, name in lead.answers if key == "full_name")
    assert {0, 1, 2, 4} <= {len(values) for values in answers}
    assert any(not key.isascii() for lead in leads for key, _ in lead.answers)


def test_people_come_again_only_when_told(now: Instant) -> None:
    assert max(phones(make(1, 500, now, Mix(call_share=1.0, repeat_share=0.0))).values()) == 1
    assert max(phones(make(1, 500, now, Mix(call_share=1.0, repeat_share=0.3))).values()) > 1


def test_every_number_is_valid_however_it_is_typed() -> None:
    random = Random(1)
    people = [person(random, number) for number in range(2000)]
    assert len({who.phone for who in people}) == len({who.email for who in people}) == 2000
    for who in people:
        parsed = phonenumbers.parse(typed_phone(random, who.phone).removeprefix("p:"), "IN")
        assert phonenumbers.is_valid_number(parsed)
        assert phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164) == who.phone


def test_traffic_needs_a_world() -> None:
    with pytest.raises(ValueError, match="needs a world"):
        Traffic(Random(1))


async def test_leads_are_made_at_an_even_rate(now: Instant) -> None:
    times = [now]

    async def sleep(duration_s: float) -> None:
        times.append(times[-1] + round(duration_s * SECOND))

    made: list[Made] = []
    traffic = Traffic(Random(1), meta=example_meta(Random(1)))
    await produce(traffic, rate_per_s=50, total=101, clock=lambda: times[-1], sleep=sleep, on_made=made.append)
    leads = [one for one in made if isinstance(one, SimLead)]
    assert [lead.created_at - now for lead in leads] == [number * 20_000 for number in range(101)]


async def test_a_late_start_is_made_up_for(now: Instant) -> None:
    times = iter(now + step * MINUTE for step in range(1000))

    async def sleep(duration_s: float) -> None:
        pytest.fail("there is nothing to wait for")

    traffic = Traffic(Random(1), meta=example_meta(Random(1)))
    made: list[Made] = []
    await produce(traffic, rate_per_s=1, total=20, clock=lambda: next(times), sleep=sleep, on_made=made.append)
    assert len(made) == 20
    assert all(isinstance(one, SimLead) and now < one.created_at < now + HOUR for one in made)
