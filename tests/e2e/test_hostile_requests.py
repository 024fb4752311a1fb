"""Thousands of hostile requests over raw sockets against the real doors, server and connectors: none hurts.

LEADWIRE_HOSTILE_REQUESTS and LEADWIRE_HOSTILE_SEED choose another size or seed.
"""

import asyncio
import gc
import itertools
import json
import os
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest

from e2e.hostile import APP_SECRET, KINDS, good
from leadwire.connectors.knowlarity import connector as knowlarity
from leadwire.connectors.meta_lead_ads import connector as meta
from leadwire.connectors.webhook import connector as webhook
from leadwire.engine.clock import SystemClock
from leadwire.engine.refusals import Refusals
from leadwire.model.event import NewEvent
from leadwire.sdk import Connector, HttpAnswer, HttpRequest, NotSent, Tools, decode_setting
from leadwire.web.doors import Doors
from leadwire.web.limits import DoorLimits
from leadwire.web.serving import WebServer

COUNT = int(os.environ.get("LEADWIRE_HOSTILE_REQUESTS", "2000"))
SEED = int(os.environ.get("LEADWIRE_HOSTILE_SEED", "20261122"))
SENDERS = 100
HANG_S = 10.0
GROWTH_BYTES_MAX = 20_000_000
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class Forgetful:
    """Accepts every event and keeps none, so that memory shows what the doors keep."""

    def __init__(self) -> None:
        self.accepted = 0

    async def accept(self, event: NewEvent) -> Literal["stored", "duplicate"]:
        assert len(event.dedup_key) == 16
        self.accepted += 1
        return "stored"


class Nowhere:
    async def send(self, request: HttpRequest) -> HttpAnswer:
        raise NotSent


def source(connector: Connector, name: str, **settings: Any) -> object:
    assert connector.source is not None
    values = msgspec.convert(settings, connector.settings, dec_hook=decode_setting)
    return connector.source(values, Tools(name=name, http=Nowhere(), now=SystemClock().now, region="IN"))


async def no_page(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})


class Scene:
    def __init__(self) -> None:
        self.intake = Forgetful()
        self.refusals = Refusals()
        page = {"id": "138124712925158", "access_token": "sim-page-token"}
        sources = {
            "meta": source(meta, "meta", app_secret=APP_SECRET.decode(), verify_token="sim-verify-token", pages=[page]),
            "site": source(webhook, "site", secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
            "open": source(webhook, "open", scheme="none"),
            "calls": source(knowlarity, "calls", webhook_token="sim-token"),
        }
        self.limits = DoorLimits(header_deadline_s=1, body_deadline_s=1, keep_alive_s=2, stop_s=1)
        doors = Doors(sources, self.intake, self.refusals, SystemClock(), self.limits, no_page)
        self.server = WebServer(doors, "127.0.0.1", 0, self.limits)


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    scene = Scene()
    await scene.server.start()
    yield scene
    await scene.server.stop()


async def first_answer(port: int, sent: bytes) -> tuple[int, bytes, bytes] | None:
    """Status, head and body of the first final answer; None where the server just closed. Raises TimeoutError on a hang."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(HANG_S):
            writer.write(sent)
            head = b"HTTP/1.1 100"
            while head.startswith(b"HTTP/1.1 100"):
                head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
            )
            is_head = sent.startswith(b"HEAD ")
            return int(head[9:12]), head, b"" if is_head else await reader.readexactly(length)
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    finally:
        writer.close()


def resident_bytes() -> int:
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_BYTES


class Outcome:
    def __init__(self) -> None:
        self.answers: Counter[str] = Counter()
        self.wrong: list[tuple[str, bytes, object]] = []

    def judge(self, kind: str, sent: bytes, got: tuple[int, bytes, bytes] | None) -> None:
        if got is None:
            self.answers["closed"] += 1
            if kind == "good":
                self.wrong.append((kind, sent[:300], "closed"))
            return
        status, head, body = got
        self.answers[str(status)] += 1
        if status >= 500 or (kind == "good" and status != 200):
            self.wrong.append((kind, sent[:300], status))
        if status >= 400 and not sent.startswith(b"HEAD "):
            is_problem = b"application/problem+json" in head and json.loads(body)["status"] == status
            if not is_problem:
                self.wrong.append((kind, sent[:300], head))


async def send_all(port: int, numbers: Iterator[int]) -> Outcome:
    outcome = Outcome()

    async def sender() -> None:
        for number in numbers:
            chance = random.Random(f"{SEED}:{number}")
            draw = good if number % 10 == 0 else chance.choice(KINDS)
            sent = draw(chance)
            outcome.judge(draw.__name__, sent, await first_answer(port, sent))

    await asyncio.gather(*[sender() for _ in range(SENDERS)])
    return outcome


@pytest.mark.timeout(600)
async def test_hostile_requests_get_no_5xx_no_crash_no_hang_and_leave_nothing_behind(
    scene: Scene, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    numbers = itertools.count()
    await send_all(scene.server.port, iter(list(itertools.islice(numbers, 300))))
    before = resident_bytes()
    outcome = await send_all(scene.server.port, iter(list(itertools.islice(numbers, COUNT))))
    growth = resident_bytes() - before
    with capsys.disabled():
        print(f"\n{COUNT} hostile requests, seed {SEED}: {dict(outcome.answers)}, RSS growth {growth / 1e6:.1f} MB")
    assert outcome.wrong == []
    assert [record.getMessage() for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")] == []
    assert growth < GROWTH_BYTES_MAX
    assert outcome.answers["200"] >= COUNT // 10
    assert outcome.answers["401"] > 0
    assert outcome.answers["413"] > 0
    assert len(scene.refusals.recent) <= 200
