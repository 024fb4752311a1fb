"""People who fill in forms and call: a seeded stream of leads for demos, tests and benchmarks."""

import asyncio
from collections.abc import Awaitable, Callable
from random import Random

import msgspec

from leadwire.model.times import SECOND, Instant
from leadwire.simulators.chance import happens
from leadwire.simulators.knowlarity.book import Dialled, SimCall
from leadwire.simulators.knowlarity.world import KnowlarityWorld
from leadwire.simulators.meta.book import Ad, Form, Origin, Question, SimLead
from leadwire.simulators.meta.world import MetaWorld
from leadwire.simulators.people import Person, person, typed_phone

Made = SimLead | SimCall
_REMEMBERED_MAX = 1000
_STANDARD: dict[str, Callable[[Random, Person], str]] = {
    "full_name": lambda _random, who: who.full_name,
    "first_name": lambda _random, who: who.full_name.partition(" ")[0],
    "last_name": lambda _random, who: who.full_name.partition(" ")[2],
    "email": lambda _random, who: who.email,
    "phone_number": lambda random, who: typed_phone(random, who.phone),
    "city": lambda _random, who: who.city,
    "company_name": lambda _random, _who: "Example Company",
}
_REMARKS = ("Please call after 6 pm", "क्या आज बात हो सकती है?", "Budget about ₹12,00,000", "no hurry", "")


class Mix(msgspec.Struct, frozen=True, kw_only=True):
    """Shares of 0 to 1: of calls among all, of people who come again, of organic leads, and of kinds of calls."""

    call_share: float = 0.3
    repeat_share: float = 0.1
    organic_share: float = 0.3
    instagram_share: float = 0.4
    missed_share: float = 0.3
    outbound_share: float = 0.1
    talk_s_max: int = 300


class Traffic:
    """Makes one enquiry after the other in the worlds it was given; the same seed makes the same people."""

    def __init__(
        self,
        random: Random,
        *,
        meta: MetaWorld | None = None,
        knowlarity: KnowlarityWorld | None = None,
        mix: Mix | None = None,
    ) -> None:
        if meta is None and knowlarity is None:
            raise ValueError("traffic needs a world to go to")
        self._random = random
        self._meta = meta
        self._knowlarity = knowlarity
        self._mix = mix or Mix()
        self._people: list[Person] = []
        self._made = 0

    def step(self, now: Instant) -> Made:
        """One enquiry: a form sent, or a call that starts now."""
        self._made += 1
        who = self._somebody()
        if self._meta is None or (self._knowlarity is not None and happens(self._random, self._mix.call_share)):
            assert self._knowlarity is not None
            return self._knowlarity.dial(self._dialled(self._knowlarity, who), now)
        return self._submit(self._meta, who, now)

    def _somebody(self) -> Person:
        if self._people and happens(self._random, self._mix.repeat_share):
            return self._random.choice(self._people)
        who = person(self._random, self._made)
        if len(self._people) < _REMEMBERED_MAX:
            self._people.append(who)
        else:
            self._people[self._random.randrange(_REMEMBERED_MAX)] = who
        return who

    def _submit(self, meta: MetaWorld, who: Person, now: Instant) -> SimLead:
        page = self._random.choice(list(meta.pages.values()))
        form = self._random.choice(page.forms)
        answers = {question.key: self._answer(question, who) for question in form.questions}
        is_organic = happens(self._random, self._mix.organic_share)
        origin = Origin(
            ad=None if is_organic else _ad(form, self._random.randrange(1, 4)),
            platform="ig" if happens(self._random, self._mix.instagram_share) else "fb",
        )
        return meta.submit(page.id, form.id, now, answers, origin)

    def _answer(self, question: Question, who: Person) -> list[str]:
        if question.key in _STANDARD:
            return [_STANDARD[question.key](self._random, who)]
        if question.options:
            many = self._random.randint(0, len(question.options)) if question.takes_many else 1
            return self._random.sample(question.options, many)
        return [self._random.choice(_REMARKS)]

    def _dialled(self, knowlarity: KnowlarityWorld, who: Person) -> Dialled:
        account = knowlarity.account
        return Dialled(
            customer=who.phone,
            number=self._random.choice(account.numbers),
            agent=self._random.choice(account.agents),
            direction="outbound" if happens(self._random, self._mix.outbound_share) else "inbound",
            outcome="missed" if happens(self._random, self._mix.missed_share) else "answered",
            ring_s=0 if self._mix.talk_s_max == 0 else self._random.randint(1, 20),
            talk_s=self._random.randint(0, self._mix.talk_s_max),
        )


async def produce(
    traffic: Traffic,
    *,
    rate_per_s: float,
    total: int,
    clock: Callable[[], Instant],
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    on_made: Callable[[Made], None] | None = None,
) -> None:
    """Make `total` enquiries at an even rate. When it falls behind it catches up, so that the rate holds on average."""
    started_at = clock()
    for number in range(total):
        due = started_at + round(number * SECOND / rate_per_s)
        behind = clock() - due
        if behind < 0:
            await sleep(-behind / SECOND)
        made = traffic.step(clock())
        if on_made is not None:
            on_made(made)


def _ad(form: Form, number: int) -> Ad:
    base = int(form.id) * 10 + number
    return Ad(
        ad_id=str(base),
        ad_name=f"Example Ad {number}",
        adset_id=str(base + 1000),
        adset_name=f"Example Ad Set {number}",
        campaign_id=str(base + 2000),
        campaign_name="Example Campaign – दीवाली",
    )
