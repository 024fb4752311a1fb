"""No spelling of a refused address, and no trick of a name server, ever opens a connection to it."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Sequence

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from leadwire.egress.client import EgressClient, PoolLimits
from leadwire.egress.gate import CURRENT_CALL, AddressGate, AddressRefused, Call
from leadwire.model.errors import EgressRefused
from leadwire.rules.egress_addresses import Allowlist
from leadwire.sdk.http import HttpRequest, NotSent

LOOPBACK_SPELLINGS = """
127.0.0.1 127.0.0.2 127.1 127.0.1 127.255.255.254 2130706433 0x7f000001 0x7F000001 017700000001 0177.0.0.1 0177.0.0.01
0x7f.0.0.1 0x7f.1 0x7f.0x0.0x0.0x1 0X7F.0.0.1 127.0.0.01 127.000.000.001 00000177.0.0.1 127.0.0.1. 127.0.0.1.. 0 0.0.0.0 0x0 00
0.0 000.000.000.000 [::1] [::] [0:0:0:0:0:0:0:1] [0000:0000:0000:0000:0000:0000:0000:0001] [::0001] [0::1] [::ffff:127.0.0.1]
[::ffff:7f00:1] [::ffff:7f00:0001] [0:0:0:0:0:ffff:127.0.0.1] [::FFFF:127.0.0.1] [::127.0.0.1] [::7f00:1] [64:ff9b::7f00:1]
[64:ff9b::127.0.0.1] [2002:7f00:1::] [::1%25lo] [::1%lo] localhost LOCALHOST LocalHost localhost. lOcAlHoSt ip6-localhost
127。0。0。1 127．0．0．1 127｡0｡0｡1 １２７.０.０.１ ①②⑦.⓪.⓪.① ⑯⑨.254.⑯⑨.254 ⓛⓞⓒⓐⓛⓗⓞⓢⓣ ｌｏｃａｌｈｏｓｔ
127.0.0.%31 %31%32%37.0.0.1 127%2e0%2e0%2e1 %6cocalhost 127.0.0.1%00.example.com 127.0.0.1%20 127.0.0.1%23
"""
OTHER_SPELLINGS = """
10.0.0.1 10.1 0xa000001 012.0.0.1 167772161 172.16.0.1 172.31.255.255 192.168.0.1 192.168.257 3232235521 0xc0a80001
169.254.169.254 169.254.43518 2852039166 0xa9fea9fe 0251.0376.0251.0376 0xa9.0xfe.0xa9.0xfe 169.254.169.254.
[::ffff:169.254.169.254] [::ffff:a9fe:a9fe] [64:ff9b::a9fe:a9fe] [fd00:ec2::254] [fe80::1] [fe80::1%25eth0] [fc00::1] [fd00::1]
[fec0::1] [ff02::1] [2001:db8::1] [2001::1] [2002:a9fe:a9fe::] [100::1] [3fff::1] 100.64.0.1 100.100.100.200 100.127.255.255
168.63.129.16 192.0.0.192 192.0.2.1 198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1 239.1.1.1 240.0.0.1 255.255.255.255
4294967295 0xffffffff 192.88.99.1
"""
WHOLE_URLS = [
    "http://example.com@127.0.0.1:{port}/",
    "http://example.com:80@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}\\@example.com/",
    "http://example.com\\@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}#@example.com/",
    "http://127.0.0.1:{port}?@example.com/",
    "http://127.0.0.1:{port}/@example.com",
    "http:\\\\127.0.0.1:{port}\\",
    "http:127.0.0.1:{port}",
    "http:/127.0.0.1:{port}/",
    "http:///127.0.0.1:{port}/",
    "//127.0.0.1:{port}/",
    "127.0.0.1:{port}",
    "HTTP://127.0.0.1:{port}/",
    " http://127.0.0.1:{port}/",
    "http://127.0.0.1:{port}/\r\nX: y",
    "http://\t127.0.0.1:{port}/",
    "http://127.0.0.1\n:{port}/",
    "ht\ntp://127.0.0.1:{port}/",
    "ftp://127.0.0.1:{port}/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:{port}/_x",
    "tcp://127.0.0.1:{port}/",
    "unix:///var/run/docker.sock",
    "ws://127.0.0.1:{port}/",
    "javascript:alert(1)",
    "http://[::1",
    "http://127.0.0.1:99999999/",
    "http://127.0.0.1:-1/",
    "http://",
    "",
]
SPELLED = [f"http://{host}:{{port}}/" for host in f"{LOOPBACK_SPELLINGS} {OTHER_SPELLINGS}".split()] + WHOLE_URLS


class Sentinel:
    """Listens on IPv4 and IPv6 loopback at one port; counts whoever comes."""

    def __init__(self) -> None:
        self.visits = 0
        self.port = 0
        self._servers: list[asyncio.Server] = []

    async def start(self) -> None:
        self._servers.append(await asyncio.start_server(self._visit, "0.0.0.0", 0))
        self.port = self._servers[0].sockets[0].getsockname()[1]
        with contextlib.suppress(OSError):  # a machine without IPv6
            self._servers.append(await asyncio.start_server(self._visit, "::1", self.port))

    async def _visit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.visits += 1
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        writer.close()
        await writer.wait_closed()

    async def stop(self) -> None:
        for server in self._servers:
            server.close()


class ScriptedResolver(AbstractResolver):
    """Answers the n-th question with the n-th list of addresses; the last one repeats."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self._answers = answers
        self.asked: list[str] = []

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        self.asked.append(host)
        found = self._answers[min(len(self.asked), len(self._answers)) - 1]
        if not found:
            raise OSError("no such host")
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=0,
            )
            for address in found
        ]

    async def close(self) -> None:
        pass


@pytest.fixture
async def sentinel() -> AsyncIterator[Sentinel]:
    started = Sentinel()
    await started.start()
    yield started
    await started.stop()


async def ask(client: EgressClient, url: str) -> int:
    return (await client.send(HttpRequest(method="GET", url=url, timeout_s=3))).status


def test_the_battery_is_as_large_as_promised() -> None:
    assert len(set(SPELLED)) >= 120


@pytest.mark.parametrize("spelled", SPELLED)
async def test_a_refused_address_is_never_connected_in_any_spelling(spelled: str, sentinel: Sentinel) -> None:
    async with EgressClient() as client:
        with pytest.raises((EgressRefused, NotSent)):
            await ask(client, spelled.replace("{port}", str(sentinel.port)))
    assert sentinel.visits == 0


async def test_the_sentinel_would_notice(sentinel: Sentinel) -> None:
    async with EgressClient(["127.0.0.1"]) as client:
        assert await ask(client, f"http://127.0.0.1:{sentinel.port}/") == 200
    assert sentinel.visits == 1


async def test_the_message_names_the_address_its_kind_and_the_setting(sentinel: Sentinel) -> None:
    async with EgressClient(resolver=lambda: ScriptedResolver(["127.0.0.1"])) as client:
        with pytest.raises(EgressRefused) as named:
            await ask(client, "http://crm.example.com/")
        with pytest.raises(EgressRefused) as literal:
            await ask(client, "http://[::1]/")
    fix = "in [egress] allow to permit it"
    assert str(named.value) == f'crm.example.com resolves to 127.0.0.1, a loopback address; list "127.0.0.1/32" {fix}'
    assert str(literal.value) == f'::1 is a loopback address; list "::1/128" {fix}'


@pytest.mark.parametrize(
    "answer",
    [
        ["127.0.0.1"],
        ["8.8.8.8", "127.0.0.1"],
        ["127.0.0.1", "8.8.8.8"],
        ["2606:4700::1111", "::1"],
        ["::ffff:127.0.0.1"],
        ["169.254.169.254"],
        ["0.0.0.0"],
        ["127.1"],
        ["8.8.8.8", "nonsense"],
    ],
    ids=str,
)
async def test_a_name_is_refused_when_any_of_its_addresses_is(answer: list[str], sentinel: Sentinel) -> None:
    async with EgressClient(resolver=lambda: ScriptedResolver(answer)) as client:
        with pytest.raises(EgressRefused):
            await ask(client, f"http://127.0.0.1.nip.example:{sentinel.port}/")
    assert sentinel.visits == 0


async def test_a_name_that_changes_its_address_between_two_looks_is_refused(sentinel: Sentinel) -> None:
    rebinding = ScriptedResolver(["127.0.0.2"], ["127.0.0.1"])
    limits = PoolLimits(dns_cache_s=0, keep_alive_s=0.001)
    async with EgressClient(["127.0.0.2"], resolver=lambda: rebinding, limits=limits) as client:
        url = f"http://rebinding.example:{sentinel.port}/"
        assert await ask(client, url) == 200
        with pytest.raises(EgressRefused, match=r"127\.0\.0\.1"):
            await ask(client, url)
    assert (sentinel.visits, len(rebinding.asked)) == (1, 2)


async def test_a_name_server_error_refuses() -> None:
    async with EgressClient(resolver=lambda: ScriptedResolver([])) as client:
        with pytest.raises(NotSent):
            await ask(client, "http://gone.example/")


@pytest.mark.parametrize("allow", ["lan.example", "LAN.example.", "127.0.0.1", "127.0.0.0/8"])
async def test_a_listed_name_or_network_is_connected(allow: str, sentinel: Sentinel) -> None:
    async with EgressClient([allow], resolver=lambda: ScriptedResolver(["127.0.0.1"])) as client:
        assert await ask(client, f"http://lan.example:{sentinel.port}/") == 200


async def test_a_listed_name_permits_nothing_for_another_name(sentinel: Sentinel) -> None:
    async with EgressClient(["lan.example"], resolver=lambda: ScriptedResolver(["127.0.0.1"])) as client:
        assert await ask(client, f"http://lan.example:{sentinel.port}/") == 200
        with pytest.raises(EgressRefused):
            await ask(client, f"http://other.example:{sentinel.port}/")
        with pytest.raises(EgressRefused):
            await ask(client, f"http://127.0.0.1:{sentinel.port}/")
    assert sentinel.visits == 1


async def test_a_redirect_to_a_refused_address_leads_nowhere(sentinel: Sentinel) -> None:
    async def redirect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(
            b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:%d/\r\ncontent-length: 0\r\n\r\n" % sentinel.port
        )
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(redirect, "127.0.0.2", 0)
    async with EgressClient(["127.0.0.2"]) as client:
        assert await ask(client, f"http://127.0.0.2:{server.sockets[0].getsockname()[1]}/") == 302
    server.close()
    assert sentinel.visits == 0


def test_the_last_look_is_at_the_address_that_is_about_to_be_connected() -> None:
    gate = AddressGate(Allowlist(["lan.example"]))
    there = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("127.0.0.1", 80))
    CURRENT_CALL.set(Call("evil.example"))
    with pytest.raises(AddressRefused):
        gate.open_socket(there)
    CURRENT_CALL.set(Call("lan.example"))
    gate.open_socket(there).close()
