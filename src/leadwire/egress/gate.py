"""The address check, at the two places where a connection gets its address: name resolution and the socket itself."""

import socket
from collections.abc import Callable
from contextvars import ContextVar

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.connector import AddrInfoType

from leadwire.rules.egress_addresses import Allowlist, entry_for, refusal


class AddressRefused(OSError):
    """An OSError, so that the connection code in between closes what it opened and passes it on."""


class Call:
    """One exchange under way: whose host it asks for, and whether the request may have left us."""

    __slots__ = ("host", "is_started")

    def __init__(self, host: str) -> None:
        self.host = host
        self.is_started = False


CURRENT_CALL: ContextVar[Call] = ContextVar("leadwire.egress.call")


class AddressGate:
    """Decides for a host and an address whether we may connect; raises AddressRefused with the fix in its message."""

    def __init__(self, allowlist: Allowlist) -> None:
        self._allowlist = allowlist

    def check(self, host: str, address: str) -> None:
        """Passes public and listed addresses, and any address of a listed host name."""
        kind = refusal(address)
        if kind is None or self._allowlist.permits_host(host) or self._allowlist.permits_address(address):
            return
        who = f"{address} is" if host in (address, f"[{address}]") else f"{host} resolves to {address},"
        raise AddressRefused(f'{who} {kind}; list "{entry_for(address)}" in [egress] allow to permit it')

    def open_socket(self, addr_info: AddrInfoType) -> socket.socket:
        """aiohttp's socket factory: the last look, at the very address that is about to be connected."""
        family, kind, protocol, _, address = addr_info
        self.check(CURRENT_CALL.get().host, str(address[0]))
        opened = socket.socket(family, kind, protocol)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return opened


class CheckedResolver(AbstractResolver):
    """Resolves a name and refuses it when any of its addresses is refused: a mixed answer gets no second chance."""

    def __init__(self, resolver: Callable[[], AbstractResolver], gate: AddressGate) -> None:
        self._make_resolver = resolver
        self._resolver: AbstractResolver | None = None
        self._gate = gate

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The addresses of a host; raises AddressRefused, or OSError where there are none."""
        if self._resolver is None:
            self._resolver = self._make_resolver()
        answers = await self._resolver.resolve(host, port, family)
        for answer in answers:
            self._gate.check(host, answer["host"])
        return answers

    async def close(self) -> None:
        """Lets go of the resolver."""
        if self._resolver is not None:
            await self._resolver.close()
