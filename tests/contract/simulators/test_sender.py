"""The sender brings a world's pushes to a real receiver, and the world learns what became of them."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from random import Random

import aiohttp
import pytest
from aiohttp import web

from leadwire.model.times import SECOND, Instant
from leadwire.simulators.catalogue import example_knowlarity
from leadwire.simulators.knowlarity.book import Dialled
from leadwire.simulators.knowlarity.faults import Faults as KnowlarityFaults
from leadwire.simulators.meta.signing import signature_headers
from leadwire.simulators.meta.world import MetaWorld
from leadwire.simulators.sender import PushSender

NOW: Instant = 1_761_945_743_000_000


class Receiver:
    """Keeps what it was sent and answers the statuses it was given, then 200."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        self.arrived = asyncio.Event()
        self.answer: Callable[[web.BaseRequest], Awaitable[web.Response]] = self._default

    async def take(self, request: web.BaseRequest) -> web.Response:
        self.requests.append((request.method, request.raw_path, dict(request.headers), await request.read()))
        self.arrived.set()
        return await self.answer(request)

    async def _default(self, request: web.BaseRequest) -> web.Response:
        status = self.statuses.pop(0) if self.statuses else 200
        return web.Response(status=status, text=request.query.get("hub.challenge", ""))


@asynccontextmanager
async def listening(receiver: Receiver) -> AsyncIterator[str]:
    server = web.Server(receiver.take)
    runner = web.ServerRunner(server, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    try:
        yield f"http://{host}:{port}/webhooks/x"
    finally:
        await runner.cleanup()


def submit(meta: MetaWorld) -> str:
    page = next(iter(meta.pages.values()))
    return meta.submit(page.id, page.forms[0].id, NOW, {"full_name": ["Zoë"]}).id


async def test_a_webhook_arrives_with_bytes_that_fit_its_signature(
    meta: MetaWorld, session: aiohttp.ClientSession
) -> None:
    receiver = Receiver()
    lead_id = submit(meta)
    async with listening(receiver) as url:
        assert await PushSender(meta, session, url, lambda: NOW).send_due() == 1
    ((method, path, headers, body),) = receiver.requests
    assert (method, path) == ("POST", "/webhooks/x")
    assert headers["X-Hub-Signature-256"] == signature_headers(meta.app.secret, body)["X-Hub-Signature-256"]
    assert json.loads(body)["entry"][0]["changes"][0]["value"]["leadgen_id"] == lead_id
    assert meta.snapshot()["webhooks"]["acknowledged"] == 1


async def test_a_failure_is_told_to_the_world_which_tries_again(
    meta: MetaWorld, session: aiohttp.ClientSession
) -> None:
    receiver, times = Receiver(), [NOW]
    receiver.statuses = [500, 503]
    submit(meta)
    async with listening(receiver) as url:
        sender = PushSender(meta, session, url, lambda: times[-1])
        assert [await sender.send_due() for _ in range(3)] == [1, 1, 0]
        due = meta.next_push_at()
        assert due == NOW + 15 * SECOND
        times.append(due)
        assert await sender.send_due() == 1
    assert len({body for *_, body in receiver.requests}) == 1
    assert meta.next_push_at() is None


async def test_no_receiver_and_no_answer_are_failures_too(meta: MetaWorld, session: aiohttp.ClientSession) -> None:
    receiver = Receiver()
    submit(meta)

    async def never(_request: web.BaseRequest) -> web.Response:
        await asyncio.Event().wait()
        raise AssertionError

    receiver.answer = never
    async with listening(receiver) as url:
        await PushSender(meta, session, url, lambda: NOW, timeout_s=0.1).send_due()
    await PushSender(meta, session, url, lambda: NOW, timeout_s=5).send_due()
    assert meta.snapshot()["webhooks"] == {"updates": 1, "sent": 2, "retried": 2}


async def test_a_handshake_is_answered_by_the_receiver(
    meta: MetaWorld, graph_url: str, session: aiohttp.ClientSession
) -> None:
    receiver = Receiver()
    wanted = {"object": "page", "callback_url": "https://x.example", "fields": "leadgen", "verify_token": "tell me"}
    async with session.post(
        f"{graph_url}/v26.0/{meta.app.id}/subscriptions", data={"access_token": meta.app.access_token, **wanted}
    ) as response:
        assert await response.json() == {"success": True}
    due = meta.next_push_at()
    assert due is not None
    submit(meta)
    async with listening(receiver) as url:
        sender = PushSender(meta, session, url, lambda: due)
        assert [await sender.send_due(), await sender.send_due()] == [1, 1]
    assert [method for method, *_ in receiver.requests] == ["GET", "POST"]


async def test_a_get_hook_adds_its_query_to_the_one_of_the_url(session: aiohttp.ClientSession) -> None:
    world, receiver = example_knowlarity(Random(7)), Receiver()
    world.faults = KnowlarityFaults(push_shape="query")
    world.dial(
        Dialled(customer="+919966679850", number="+918045000001", agent="+918121000001", ring_s=0, talk_s=0), NOW
    )
    async with listening(receiver) as url:
        assert await PushSender(world, session, f"{url}?token=t", lambda: NOW).send_due() == 1
    ((method, path, _, _),) = receiver.requests
    assert method == "GET"
    assert path.startswith("/webhooks/x?token=t&agent_number=%2B918121000001&customer_number=%2B919966679850&")


async def test_a_running_sender_sends_what_comes_up_and_stops_when_cancelled(
    meta: MetaWorld, session: aiohttp.ClientSession
) -> None:
    receiver = Receiver()
    async with listening(receiver) as url:
        sender = PushSender(meta, session, url, lambda: NOW)
        running = asyncio.create_task(sender.run())
        for expected in range(1, 4):
            receiver.arrived.clear()
            submit(meta)
            sender.wake()
            await receiver.arrived.wait()
            assert len(receiver.requests) == expected
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
