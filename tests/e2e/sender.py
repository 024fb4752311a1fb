"""Whoever calls us: sends webhooks and writes down, for every record, whether we took it."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable
from random import Random
from typing import Literal

import aiohttp
import msgspec
from yarl import URL

from e2e.town import HOOK_TOKEN, SITE_KEY, Key, Town
from leadwire.sdk.signing import sign_standard
from leadwire.simulators.chance import happens
from leadwire.simulators.people import person
from leadwire.simulators.push import Push
from leadwire.simulators.traffic import Mix, Traffic

Outcome = Literal["ok", "fail", "unknown"]
_RANK: dict[Outcome, int] = {"fail": 0, "unknown": 1, "ok": 2}
_BODY = msgspec.json.Encoder().encode


class Sent(msgspec.Struct, frozen=True):
    """A request as it can be sent again: where to, and which records it speaks of."""

    source: str
    push: Push
    keys: tuple[Key, ...]


class Book:
    """The sender's own ledger: what was sent, and what became of it. A record that was once taken stays taken."""

    def __init__(self) -> None:
        self.outcomes: dict[Key, Outcome] = {}
        self.statuses: Counter[str] = Counter()

    def note(self, keys: Iterable[Key], outcome: Outcome) -> None:
        for key in keys:
            known = self.outcomes.get(key, "fail")
            self.outcomes[key] = max(known, outcome, key=_RANK.__getitem__)

    def of(self, outcome: Outcome) -> set[Key]:
        """The records with this outcome."""
        return {key for key, found in self.outcomes.items() if found == outcome}

    @property
    def acked(self) -> set[Key]:
        """What we promised to bring on."""
        return self.of("ok")


class Sender:
    """Sends to one leadwire after the other: `url` may change between two requests. Its session's connections are kept alive."""

    def __init__(self, town: Town, session: aiohttp.ClientSession) -> None:
        self.town = town
        self.book = Book()
        self.url = ""
        self._session = session
        self._random = Random(town.random.random())
        self._traffic = Traffic(
            town.random, meta=town.meta, knowlarity=town.knowlarity, mix=Mix(talk_s_max=0, repeat_share=0.2)
        )
        self._numbers = 0

    def fresh(self) -> list[Sent]:
        """A new enquiry, of a kind that chance chooses: the webhooks that tell of it."""
        if happens(self._random, 0.4):
            return [self.site()]
        now = self.town.now()
        self._traffic.step(now)
        return self.due()

    def due(self) -> list[Sent]:
        """What Meta and the telephone account have to tell now."""
        now = self.town.now()
        meta = [Sent("meta", push, meta_keys(push)) for push in self.town.meta.notifications_due(now)]
        calls = [Sent("knowlarity", push, call_keys(push)) for push in self.town.knowlarity.notifications_due(now)]
        return meta + calls

    def site(self, **values: str) -> Sent:
        """A signed form of the website; by a new person unless `values` say otherwise."""
        self._numbers += 1
        who = person(self._random, 1_000_000 + self._numbers)
        push_id = f"site-{self._numbers:07d}"
        content = {"full_name": who.full_name, "phone": who.phone, "email": who.email, "message": push_id} | values
        body = _BODY(content)
        now_s = int(time.time())
        headers = {
            "content-type": "application/json",
            "webhook-id": push_id,
            "webhook-timestamp": str(now_s),
            "webhook-signature": sign_standard(push_id, now_s, body, SITE_KEY),
        }
        return Sent("site", Push(number=self._numbers, headers=headers, body=body), (("site", push_id),))

    async def send(self, sent: Sent) -> Outcome:
        """Sends it once and writes down what became of it."""
        self.book.note(sent.keys, "fail")
        try:
            async with self._session.request(
                sent.push.method, self._address(sent), data=sent.push.body or None, headers=sent.push.headers
            ) as answer:
                await answer.read()
                outcome: Outcome = "ok" if 200 <= answer.status < 300 else "fail"
                word = str(answer.status)
        except aiohttp.ClientConnectorError:
            outcome, word = "fail", "refused"
        except (aiohttp.ClientError, TimeoutError) as error:
            outcome, word = "unknown", type(error).__name__
        self.book.note(sent.keys, outcome)
        self.book.statuses[word] += 1
        return outcome

    async def load(self, until_stopped: asyncio.Event, *, workers: int = 8, again_share: float = 0.3) -> None:
        """Sends without a pause, some of it twice, until the event is set or nobody is there any more."""

        async def work() -> None:
            failures = 0
            while not until_stopped.is_set() and failures < 3:
                for sent in self.fresh():
                    outcome = await self.send(sent)
                    if happens(self._random, again_share):
                        outcome = await self.send(sent)
                    failures = 0 if outcome == "ok" else failures + 1

        async with asyncio.TaskGroup() as group:
            for _ in range(workers):
                group.create_task(work())

    def _address(self, sent: Sent) -> URL:
        query = sent.push.query
        if sent.source == "knowlarity":
            query = f"token={HOOK_TOKEN.replace(' ', '-')}{'&' if query else ''}{query}"
        return URL(f"{self.url}/webhooks/{sent.source}{'?' if query else ''}{query}", encoded=True)


def meta_keys(push: Push) -> tuple[Key, ...]:
    """The leads that a webhook of Meta names."""
    document = msgspec.json.decode(push.body)
    changes = [change for entry in document["entry"] for change in entry["changes"]]
    return tuple(("meta", change["value"]["leadgen_id"]) for change in changes if change["field"] == "leadgen")


def call_keys(push: Push) -> tuple[Key, ...]:
    """The call that a hook of the telephone account names."""
    return (("knowlarity", msgspec.json.decode(push.body)["callid"]),)
