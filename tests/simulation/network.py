"""The network of a simulated life: requests reach worlds and doors without sockets, break as sockets do, and are written down."""

import asyncio
import re
from collections.abc import Mapping, MutableMapping
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec

from leadwire.model.times import SECOND, Instant
from leadwire.ports.clock import Clock
from leadwire.sdk import HttpAnswer, HttpRequest, NotSent, ReplyLost
from leadwire.simulators.exchange import World, WorldAnswer, WorldRequest
from leadwire.simulators.push import Push
from leadwire.web.doors import Doors

_DEAD_TOKEN = re.compile(rb'code\\*":\s*190\b')


class Sent(msgspec.Struct, kw_only=True):
    """One request that reached a world. `answered_at` stays None where its answer never reached the process that asked.

    `silent_until`: the answer asked us (Retry-After) to send nothing before that.
    """

    host: str
    key: str
    at: Instant
    answered_at: Instant | None = None
    status: int | None = None
    silent_until: Instant | None = None
    says_token_is_dead: bool = False


class VirtualNetwork:
    """An `Http` whose hosts are worlds. `is_up` False: the process behind it has died and sends nothing more."""

    def __init__(self, hosts: Mapping[str, World], clock: Clock, log: list[Sent]) -> None:
        self._hosts = hosts
        self._clock = clock
        self._log = log
        self.is_up = True

    async def send(self, request: HttpRequest) -> HttpAnswer:
        if not self.is_up:
            raise NotSent("this process has ended")
        parts = urlsplit(request.url)
        asked = WorldRequest(
            method=request.method,
            path=parts.path,
            query=parts.query,
            headers={name.lower(): value for name, value in request.headers.items()},
            body=request.body,
        )
        sent = Sent(host=parts.netloc, key=asked.headers.get("webhook-id", ""), at=self._clock.now())
        self._log.append(sent)
        answer = self._hosts[parts.netloc].handle(asked, sent.at)
        try:
            async with asyncio.timeout(request.timeout_s):
                if answer.fault == "hang":
                    await asyncio.Event().wait()
                await self._clock.sleep(answer.delay_us / 1e6)
        except TimeoutError:
            raise ReplyLost(f"{parts.netloc} did not answer") from None
        if answer.fault != "none":
            raise ReplyLost(f"{parts.netloc} closed the connection")
        if self.is_up:
            self._answered(sent, answer)
        return HttpAnswer(status=answer.status, headers=dict(answer.headers), body=answer.body)

    def _answered(self, sent: Sent, answer: WorldAnswer) -> None:
        sent.answered_at = self._clock.now()
        sent.status = answer.status
        sent.says_token_is_dead = _DEAD_TOKEN.search(answer.body) is not None
        asked = answer.headers.get("retry-after")
        if asked is None:
            return
        if asked.isdecimal():
            sent.silent_until = sent.answered_at + int(asked) * SECOND
        else:
            sent.silent_until = int(parsedate_to_datetime(asked).timestamp()) * SECOND


async def knock(doors: Doors, source: str, push: Push, token: str = "") -> tuple[int | None, bytes]:
    """Sends a push through the real doors; the status and body of the answer, or None where the process died meanwhile."""
    query = "&".join(part for part in (f"token={token}" if token else "", push.query) if part)
    scope: MutableMapping[str, Any] = {
        "type": "http",
        "method": push.method,
        "path": f"/webhooks/{source}",
        "query_string": query.encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in push.headers.items()],
        "client": ("127.0.0.1", 1),
    }
    answered: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": push.body, "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        answered.append(message)

    try:
        async with asyncio.timeout(20):
            await doors(scope, receive, send)
    except TimeoutError:
        return None, b""
    if len(answered) < 2:
        return None, b""
    return answered[0]["status"], answered[1]["body"]
