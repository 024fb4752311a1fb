import asyncio
import json
import re
import time
from contextlib import suppress

import aiohttp
import pytest
import uvloop

from leadwire.model.times import SECOND
from leadwire.simulators.crm.faults import Faults, Scripted
from leadwire.simulators.crm.world import CrmWorld
from leadwire.simulators.knowlarity.book import Dialled
from leadwire.simulators.knowlarity.faults import Faults as KnowlarityFaults
from leadwire.simulators.knowlarity.world import KnowlarityWorld
from leadwire.simulators.server import SimulatorServer

LEAD = {"data": {"id": "lead-1", "version": 1}}
BODY = json.dumps(LEAD).encode()


def raw_post(body: bytes = BODY, key: str = "k") -> bytes:
    return b"POST /leads HTTP/1.1\r\nhost: x\r\nwebhook-id: %b\r\ncontent-length: %d\r\n\r\n%b" % (
        key.encode(),
        len(body),
        body,
    )


async def opened(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))


async def test_a_lead_posted_over_http_can_be_read_again(crm_url: str, session: aiohttp.ClientSession) -> None:
    async with session.post(f"{crm_url}/leads", json=LEAD, headers={"webhook-id": "k"}) as response:
        assert response.status == 201
    async with session.get(f"{crm_url}/leads/lead-1") as response:
        assert (await response.json())["data"] == LEAD["data"]


async def test_a_chunked_body_is_put_together(crm_url: str, crm: CrmWorld) -> None:
    reader, writer = await opened(crm_url)
    writer.write(b"POST /leads HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n")
    for part in (BODY[:5], BODY[5:]):
        writer.write(b"%x\r\n%b\r\n" % (len(part), part))
        await writer.drain()
    writer.write(b"0\r\n\r\n")
    assert (await reader.readline()).startswith(b"HTTP/1.1 201 ")
    assert list(crm.rows) == ["lead-1"]
    writer.close()


async def test_pipelined_requests_are_answered_in_order_even_when_they_wait(crm_url: str, crm: CrmWorld) -> None:
    crm.faults = Faults(latency_us=20_000, script=tuple(Scripted(status=status) for status in (500, 410, 422)))
    reader, writer = await opened(crm_url)
    writer.write(raw_post() * 3 + b"GET /nowhere HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    answered = await reader.read()
    assert re.findall(rb"HTTP/1\.1 (\d+)", answered) == [b"500", b"410", b"422", b"404"]
    writer.close()


async def test_a_reset_does_no_work_and_a_lost_reply_does(
    crm_url: str, crm: CrmWorld, session: aiohttp.ClientSession
) -> None:
    crm.faults = Faults(reset_share=1.0)
    with pytest.raises(aiohttp.ClientConnectionError):
        await session.post(f"{crm_url}/leads", json=LEAD, headers={"webhook-id": "k"})
    assert not crm.rows
    crm.faults = Faults(lost_reply_share=1.0)
    with pytest.raises(aiohttp.ClientConnectionError):
        await session.post(f"{crm_url}/leads", json=LEAD, headers={"webhook-id": "k"})
    assert list(crm.rows) == ["lead-1"]


async def test_a_hanging_request_is_never_answered_and_others_are(
    crm_url: str, crm: CrmWorld, session: aiohttp.ClientSession
) -> None:
    crm.faults = Faults(hang_share=1.0)
    with pytest.raises(TimeoutError):
        await session.post(f"{crm_url}/leads", json=LEAD, timeout=aiohttp.ClientTimeout(total=0.2))
    async with session.get(f"{crm_url}/stats") as response:
        assert (await response.json())["answers"] == {"hang": 1}


async def test_a_slow_answer_takes_its_time(crm_url: str, crm: CrmWorld, session: aiohttp.ClientSession) -> None:
    crm.faults = Faults(latency_us=SECOND // 5)
    started = time.perf_counter()
    async with session.post(f"{crm_url}/leads", json=LEAD) as response:
        assert response.status == 201
    assert 0.19 < time.perf_counter() - started < 5


async def test_a_dripping_answer_arrives_byte_by_byte_and_whole(
    crm_url: str, crm: CrmWorld, session: aiohttp.ClientSession
) -> None:
    crm.faults = Faults(drip_us=2000)
    started = time.perf_counter()
    async with session.post(f"{crm_url}/leads", json=LEAD) as response:
        assert (await response.json())["success"] is True
        sent_bytes = int(response.headers["content-length"])
    assert time.perf_counter() - started > sent_bytes * 0.002


async def test_faults_are_set_and_counts_read_over_http(crm_url: str, session: aiohttp.ClientSession) -> None:
    async with session.post(
        f"{crm_url}/_sim/faults", json={"script": [{"status": 429, "retry_after_s": 3}]}
    ) as response:
        assert response.status == 200
    async with session.post(f"{crm_url}/leads", json=LEAD) as response:
        assert (response.status, response.headers["retry-after"]) == (429, "3")
    async with session.get(f"{crm_url}/_sim/state") as response:
        assert (await response.json())["answers"] == {"429": 1}


async def test_a_request_that_is_no_http_is_400_and_ends_the_connection(crm_url: str) -> None:
    reader, writer = await opened(crm_url)
    writer.write(b"this is not http\r\n\r\n")
    assert (await reader.read()).startswith(b"HTTP/1.1 400 ")
    writer.close()


async def test_a_client_that_leaves_in_the_middle_hurts_nobody(
    crm_url: str, crm: CrmWorld, session: aiohttp.ClientSession
) -> None:
    crm.faults = Faults(latency_us=50_000)
    for sent in (raw_post(), raw_post()[:-3]):
        _, writer = await opened(crm_url)
        writer.write(sent)
        await writer.drain()
        writer.transport.abort()
    async with session.post(f"{crm_url}/leads", json=LEAD, headers={"webhook-id": "other"}) as response:
        assert response.status in {200, 201}


async def test_a_stopped_server_leaves_no_connection_behind(crm: CrmWorld) -> None:
    async with SimulatorServer(crm, lambda: 0) as server:
        reader, writer = await opened(server.url)
        writer.write(raw_post())
        await reader.readline()
    with suppress(ConnectionResetError):
        assert not (await reader.read()).startswith(b"HTTP/1.1")
    writer.close()
    with pytest.raises(ConnectionRefusedError):
        await opened(server.url)


async def test_the_event_stream_is_read_while_calls_happen(
    knowlarity_url: str, knowlarity: KnowlarityWorld, session: aiohttp.ClientSession
) -> None:
    call = Dialled(customer="+919966679850", number="+918045000001", agent="+918121000001", ring_s=0, talk_s=0)
    url = f"{knowlarity_url}/update-stream/{knowlarity.account.authorization}/konnect"
    async with session.get(url, headers={"accept": "text/event-stream"}) as response:
        assert response.headers["content-type"] == "text/event-stream"
        dialled = knowlarity.dial(call, time.time_ns() // 1000)
        lines = [await response.content.readline() for _ in range(14)]
        heard = [json.loads(line.removeprefix(b"data: ")) for line in lines if line.startswith(b"data: ")]
        assert heard[-1]["type"] == "CDR"
        assert heard[-1]["uuid"] == dialled.uuid
        knowlarity.faults = KnowlarityFaults(stream_drop_share=1.0)
        knowlarity.dial(call, time.time_ns() // 1000)
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.content.read()


def test_transport_faults_work_on_uvloop_too(crm: CrmWorld) -> None:
    async def outcome(url: str, session: aiohttp.ClientSession) -> type[BaseException] | int:
        try:
            async with session.post(f"{url}/leads", json=LEAD, timeout=aiohttp.ClientTimeout(total=0.3)) as response:
                return response.status
        except (aiohttp.ClientError, TimeoutError) as error:
            return type(error)

    async def run() -> list[type[BaseException] | int]:
        outcomes = []
        async with SimulatorServer(crm, lambda: 0) as server, aiohttp.ClientSession() as session:
            for faults in (Faults(), Faults(reset_share=1.0), Faults(lost_reply_share=1.0), Faults(hang_share=1.0)):
                crm.faults = faults
                outcomes.append(await outcome(server.url, session))
        return outcomes

    first, reset, lost, hang = uvloop.run(run())
    assert first == 201
    assert reset is aiohttp.ClientOSError
    assert lost is aiohttp.ServerDisconnectedError
    assert isinstance(hang, type)
    assert issubclass(hang, TimeoutError)
