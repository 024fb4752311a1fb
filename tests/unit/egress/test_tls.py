"""Certificates are always verified: the right one passes, and every wrong one stops the request before it is sent."""

import asyncio
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from leadwire.egress.client import EgressClient
from leadwire.sdk.http import HttpRequest, NotSent

OPENSSL = shutil.which("openssl")
pytestmark = pytest.mark.skipif(OPENSSL is None, reason="openssl makes the certificates")


def _openssl(*arguments: str) -> None:
    subprocess.run([OPENSSL or "", *arguments], check=True, capture_output=True)


class Forge:
    """A certificate authority in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._request("authority")
        self._sign("authority", "basicConstraints=critical,CA:TRUE", "-signkey", self._file("authority.key"))

    def _file(self, name: str) -> str:
        return str(self.folder / name)

    def _request(self, name: str) -> None:
        keys = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", self._file(f"{name}.key")]
        _openssl("req", "-new", *keys, "-subj", f"/CN={name}", "-out", self._file(f"{name}.csr"))

    def _sign(self, name: str, extension: str, *signer: str, days: int = 30) -> None:
        (self.folder / f"{name}.cnf").write_text(extension)
        files = [
            "-in",
            self._file(f"{name}.csr"),
            "-extfile",
            self._file(f"{name}.cnf"),
            "-out",
            self._file(f"{name}.pem"),
        ]
        _openssl("x509", "-req", *files, *signer, "-set_serial", "1", "-days", str(days))

    def server(self, name: str, address: str, *, signed: bool = True, days: int = 30) -> ssl.SSLContext:
        """What a server with such a certificate uses; `days` below zero have run out."""
        self._request(name)
        by_authority = ("-CA", self._file("authority.pem"), "-CAkey", self._file("authority.key"))
        signer = by_authority if signed else ("-signkey", self._file(f"{name}.key"))
        self._sign(name, f"subjectAltName={address}", *signer, days=days)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._file(f"{name}.pem"), self._file(f"{name}.key"))
        return context

    @property
    def trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self._file("authority.pem"))


class Listener:
    """Answers 200 over TLS and counts the requests that it could read."""

    def __init__(self) -> None:
        self.requests = 0
        self._server: asyncio.Server | None = None

    async def start(self, context: ssl.SSLContext) -> str:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=context)
        return f"https://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            self.requests += 1
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            await writer.drain()
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.transport.abort()

    def stop(self) -> None:
        if self._server is not None:
            self._server.close()


@pytest.fixture
def forge(tmp_path: Path) -> Forge:
    return Forge(tmp_path)


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    listener = Listener()
    yield listener
    listener.stop()


async def ask(url: str, trust: ssl.SSLContext | None) -> int:
    async with EgressClient(["127.0.0.1"], tls=trust) as client:
        return (await client.send(HttpRequest(method="POST", url=url, body=b"{}", timeout_s=5))).status


async def test_a_right_certificate_passes(forge: Forge, listener: Listener) -> None:
    url = await listener.start(forge.server("right", "IP:127.0.0.1"))
    assert await ask(url, forge.trust) == 200


@pytest.mark.parametrize(
    ("address", "signed", "days"),
    [
        ("DNS:other.example", True, 30),
        ("IP:127.0.0.2", True, 30),
        ("IP:127.0.0.1", False, 30),
        ("IP:127.0.0.1", True, -1),
    ],
    ids=["another host", "another address", "self-signed", "expired"],
)
async def test_a_wrong_certificate_stops_the_request(
    address: str, signed: bool, days: int, forge: Forge, listener: Listener
) -> None:
    url = await listener.start(forge.server("wrong", address, signed=signed, days=days))
    with pytest.raises(NotSent, match=r"(?i)cert"):
        await ask(url, forge.trust)
    assert listener.requests == 0


async def test_an_authority_that_is_not_trusted_stops_the_request(forge: Forge, listener: Listener) -> None:
    url = await listener.start(forge.server("right", "IP:127.0.0.1"))
    with pytest.raises(NotSent):
        await ask(url, None)
    assert listener.requests == 0
