"""The outgoing client: what it sends, how it bounds the answer, and which of its errors say that nothing was sent."""

import asyncio
import gzip
import socket
from typing import Protocol

import pytest

from leadwire.egress.client import EgressClient
from leadwire.model.errors import EgressRefused
from leadwire.sdk.http import HttpAnswer, HttpFailed, HttpRequest, NotSent, ReplyLost


class Script(Protocol):
    answers: list[bytes]
    requests: list[bytes]
    connections: int
    closes_after_answer: bool
    hangs: asyncio.Event
    got_request: asyncio.Event
    port: int

    @property
    def url(self) -> str: ...


async def send(
    url: str, *, method: str = "POST", body: bytes = b"{}", timeout_s: float = 5.0, bytes_max: int = 65_536
) -> HttpAnswer:
    async with EgressClient(["127.0.0.1"]) as client:
        request = HttpRequest(method=method, url=url, body=body, timeout_s=timeout_s, answer_bytes_max=bytes_max)
        return await client.send(request)


def answer(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def test_an_answer_comes_back_with_status_lower_case_headers_and_body(server: Script) -> None:
    server.answers = [answer(b"no", "X-Reason: caf\u00e9", status="422 Unprocessable")]
    got = await send(server.url)
    assert (got.status, got.body) == (422, b"no")
    assert got.headers["content-length"] == "2"
    assert "x-reason" in got.headers


async def test_the_request_carries_the_exact_path_query_and_body_and_no_headers_of_its_own(server: Script) -> None:
    url = f"http://127.0.0.1:{server.port}/a%2Fb%3A/c?x=%2B+%41"
    await send(url, body=b'{"a":1}')
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /a%2Fb%3A/c?x=%2B+%41 HTTP/1.1\r\n")
    assert body == b'{"a":1}'
    names = {line.split(b":")[0].lower() for line in head.split(b"\r\n")[1:]}
    assert names == {b"host", b"accept-encoding", b"content-length"}


async def test_an_empty_post_says_so(server: Script) -> None:
    await send(server.url, body=b"")
    assert b"content-length: 0" in server.requests[0].lower()


async def test_a_redirect_is_an_answer_and_is_not_followed(server: Script) -> None:
    server.answers = [answer(b"", f"location: http://127.0.0.1:{server.port}/elsewhere", status="307 Moved")]
    assert (await send(server.url)).status == 307
    assert len(server.requests) == 1


async def test_cookies_are_never_sent_back(server: Script) -> None:
    server.answers = [answer(b"ok", "set-cookie: a=b; Path=/")]
    async with EgressClient(["127.0.0.1"]) as client:
        for _ in range(2):
            await client.send(HttpRequest(method="GET", url=f"http://127.0.0.1:{server.port}/"))
    assert b"cookie" not in server.requests[1].lower()


async def test_the_environments_proxy_is_not_used(server: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert (await send(server.url)).status == 200


async def test_connections_are_kept_and_used_again(server: Script) -> None:
    async with EgressClient(["127.0.0.1"]) as client:
        for _ in range(5):
            await client.send(HttpRequest(method="POST", url=server.url, body=b"{}"))
    assert (len(server.requests), server.connections) == (5, 1)


async def test_a_closed_port_is_not_sent() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(NotSent, match=f"127.0.0.1:{port}"):
            await send(f"http://127.0.0.1:{port}/")


async def test_a_tls_handshake_with_a_plain_server_is_not_sent(server: Script) -> None:
    with pytest.raises(NotSent):
        await send(f"https://127.0.0.1:{server.port}/", timeout_s=0.3)


@pytest.mark.parametrize(
    "cut",
    [b"", b"HTTP/1.1 200", b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf", b"\x00\x01 garbage\r\n\r\n"],
    ids=["closed", "half a head", "half a body", "no http"],
)
async def test_after_the_request_was_sent_a_broken_answer_is_a_lost_reply(server: Script, cut: bytes) -> None:
    server.answers = [cut]
    server.closes_after_answer = True
    with pytest.raises(ReplyLost):
        await send(server.url)
    assert len(server.requests) == 1


async def test_the_deadline_bounds_the_whole_exchange_and_ends_as_a_lost_reply(server: Script) -> None:
    server.hangs.clear()
    with pytest.raises(ReplyLost, match=r"within 0\.2 s"):
        await send(server.url, timeout_s=0.2)


async def test_a_dripping_answer_does_not_stretch_the_deadline(server: Script) -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")
        closed = asyncio.ensure_future(reader.read())
        while not closed.done():
            writer.write(b"x")
            await asyncio.wait([closed], timeout=0.02)
        writer.transport.abort()
        ended.set()

    ended = asyncio.Event()
    dripping = await asyncio.start_server(drip, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{dripping.sockets[0].getsockname()[1]}/"
    started = asyncio.get_running_loop().time()
    with pytest.raises(ReplyLost):
        await send(url, body=b"", timeout_s=0.3)
    assert asyncio.get_running_loop().time() - started < 2
    dripping.close()
    await ended.wait()


async def test_a_deadline_that_ends_before_the_connection_stands_is_not_sent() -> None:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    fillers = [socket.socket() for _ in range(4)]
    for filler in fillers:
        filler.setblocking(False)
        filler.connect_ex(listener.getsockname())
    try:
        with pytest.raises(NotSent):
            await send(f"http://127.0.0.1:{listener.getsockname()[1]}/", timeout_s=0.3)
    finally:
        for opened in (*fillers, listener):
            opened.close()


@pytest.mark.parametrize("size", [1001, 2_000_000])
async def test_an_answer_past_the_limit_is_an_error(size: int, server: Script) -> None:
    server.answers = [answer(b"x" * size)]
    with pytest.raises(ReplyLost, match="longer than 1000 bytes"):
        await send(server.url, bytes_max=1000)


async def test_an_answer_of_exactly_the_limit_is_fine(server: Script) -> None:
    server.answers = [answer(b"x" * 1000)]
    assert len((await send(server.url, bytes_max=1000)).body) == 1000


async def test_a_gzip_answer_is_undone_and_a_bomb_is_not(server: Script) -> None:
    server.answers = [
        answer(gzip.compress(b'{"ok":true}'), "content-encoding: gzip"),
        answer(gzip.compress(b"0" * 50_000_000), "content-encoding: gzip"),
        answer(b"\x0b\x02\x80", "content-encoding: br"),
    ]
    async with EgressClient(["127.0.0.1"]) as client:
        ask = HttpRequest(method="POST", url=server.url, body=b"{}")
        assert (await client.send(ask)).body == b'{"ok":true}'
        with pytest.raises(ReplyLost, match="more than 65536"):
            await client.send(ask)
        with pytest.raises(ReplyLost, match="content-encoding"):
            await client.send(ask)


@pytest.mark.parametrize(("method", "tries"), [("POST", 1), ("PATCH", 1), ("PUT", 2), ("DELETE", 2), ("GET", 2)])
async def test_on_a_dead_kept_connection_only_idempotent_methods_are_repeated(
    server: Script, method: str, tries: int
) -> None:
    server.answers = [answer(b"ok"), b"", answer(b"ok")]
    async with EgressClient(["127.0.0.1"]) as client:
        await client.send(HttpRequest(method="GET", url=server.url))
        ask = HttpRequest(method=method, url=server.url, body=b"{}")
        if tries == 1:
            with pytest.raises(ReplyLost):
                await client.send(ask)
        else:
            assert (await client.send(ask)).status == 200
    assert len(server.requests) == 1 + tries


@pytest.mark.parametrize(
    ("headers", "method"), [({"x-a": "b\r\nInjected: 1"}, "POST"), ({"x\n": "b"}, "POST"), ({}, "PO ST\r\nX: y")]
)
async def test_a_header_or_method_with_a_line_break_sends_nothing(
    server: Script, headers: dict[str, str], method: str
) -> None:
    async with EgressClient(["127.0.0.1"]) as client:
        with pytest.raises(HttpFailed):
            await client.send(HttpRequest(method=method, url=server.url, headers=headers))
    assert not any(b"njected" in seen or b"X: y" in seen for seen in server.requests)


async def test_error_texts_never_hold_the_query(server: Script) -> None:
    server.answers = [b""]
    with pytest.raises(ReplyLost) as lost:
        await send(server.url)
    assert "s3cret" not in str(lost.value)


async def test_credentials_in_a_url_are_refused_without_repeating_them() -> None:
    with pytest.raises(EgressRefused) as refused:
        await send("http://user:s3cret@127.0.0.1/")
    assert "s3cret" not in str(refused.value)


async def test_a_closed_client_sends_nothing(server: Script) -> None:
    client = EgressClient(["127.0.0.1"])
    await client.close()
    with pytest.raises(NotSent):
        await client.send(HttpRequest(method="GET", url=server.url))
    used = EgressClient(["127.0.0.1"])
    await used.send(HttpRequest(method="GET", url=server.url))
    await used.close()
    with pytest.raises(NotSent):
        await used.send(HttpRequest(method="GET", url=server.url))


async def test_cancelling_a_send_is_no_error_of_ours(server: Script) -> None:
    server.hangs.clear()
    async with EgressClient(["127.0.0.1"]) as client:
        task = asyncio.ensure_future(client.send(HttpRequest(method="POST", url=server.url)))
        await server.got_request.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
