"""Which addresses leadwire may connect to: public ones, and what [egress] allow lists. Pure; the caller resolves names.

The ranges are IANA's special-purpose registries for IPv4 and IPv6 (RFC 6890 and its updates).
"""

import re
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_HOST_NAME = re.compile(r"^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,62})(\.[a-z0-9_]([a-z0-9_-]{0,62}))*$")

_V4_REFUSED: Final = tuple(
    (IPv4Network(network), kind)
    for network, kind in (
        ("0.0.0.0/8", "an unspecified address"),
        ("127.0.0.0/8", "a loopback address"),
        ("10.0.0.0/8", "a private address"),
        ("172.16.0.0/12", "a private address"),
        ("192.168.0.0/16", "a private address"),
        ("169.254.0.0/16", "a link-local address"),
        ("100.64.0.0/10", "a carrier-grade NAT address"),
        ("168.63.129.16/32", "a cloud metadata address"),
        ("192.0.0.0/24", "a reserved address"),
        ("192.0.2.0/24", "a documentation address"),
        ("198.51.100.0/24", "a documentation address"),
        ("203.0.113.0/24", "a documentation address"),
        ("192.88.99.0/24", "a 6to4 relay address"),
        ("198.18.0.0/15", "a benchmarking address"),
        ("224.0.0.0/4", "a multicast address"),
        ("255.255.255.255/32", "a broadcast address"),
        ("240.0.0.0/4", "a reserved address"),
    )
)
_V6_REFUSED: Final = tuple(
    (IPv6Network(network), kind)
    for network, kind in (
        ("::/128", "an unspecified address"),
        ("::1/128", "a loopback address"),
        ("fd00:ec2::254/128", "a cloud metadata address"),
        ("fc00::/7", "a private address"),
        ("fe80::/10", "a link-local address"),
        ("fec0::/10", "a site-local address"),
        ("ff00::/8", "a multicast address"),
        ("2001:db8::/32", "a documentation address"),
        ("3fff::/20", "a documentation address"),
        ("2001::/32", "a Teredo address"),
        ("2001::/23", "a reserved address"),
        ("2002::/16", "a 6to4 address"),
        ("64:ff9b:1::/48", "a local NAT64 address"),
    )
)
_NAT64: Final = IPv6Network("64:ff9b::/96")
_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")


def refusal(address: str) -> str | None:
    """What kind of address this is where it is not a public one ("a loopback address"); None for a public address.

    An IPv6 address that carries an IPv4 one (v4-mapped, NAT64) is judged by the address inside. A text that is no
    canonical IP address is refused.
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return "no canonical IP address"
    return _refusal_v4(parsed) if isinstance(parsed, IPv4Address) else _refusal_v6(parsed)


def _refusal_v4(address: IPv4Address) -> str | None:
    return next((kind for network, kind in _V4_REFUSED if address in network), None)


def _refusal_v6(address: IPv6Address) -> str | None:
    address = IPv6Address(int(address))
    inside = _v4_inside(address)
    if inside is not None:
        return _refusal_v4(inside)
    for network, kind in _V6_REFUSED:
        if address in network:
            return kind
    return None if address in _GLOBAL_UNICAST else "a reserved address"


def _v4_inside(address: IPv6Address) -> IPv4Address | None:
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else None


class Allowlist:
    """What [egress] allow permits besides public addresses: networks, single addresses, and host names.

    A listed host name permits whatever it resolves to. Raises ValueError for an entry that is none of these.
    """

    __slots__ = ("_hosts", "_networks")

    def __init__(self, entries: Sequence[str] = ()) -> None:
        self._networks: list[Network] = []
        self._hosts: set[str] = set()
        for entry in entries:
            self._add(entry.strip())

    def _add(self, entry: str) -> None:
        network = _network(entry)
        if network is not None:
            self._networks.append(network)
            return
        host = _bare(entry)
        if _HOST_NAME.match(host) is None or _looks_numeric(host):
            raise ValueError(
                f'"{entry}" is no network, address or host name: write "10.0.0.0/8", "127.0.0.1" or "crm.internal", '
                "without scheme or port"
            )
        self._hosts.add(host)

    def permits_host(self, host: str) -> bool:
        """Whether this host name is listed."""
        return _bare(host) in self._hosts

    def permits_address(self, address: str) -> bool:
        """Whether this address, or the IPv4 address that it carries, lies in a listed network."""
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        candidates: list[Address] = [parsed]
        if isinstance(parsed, IPv6Address):
            candidates = [IPv6Address(int(parsed))]
            inside = _v4_inside(candidates[0]) if isinstance(candidates[0], IPv6Address) else None
            candidates += [inside] if inside is not None else []
        return any(candidate in network for candidate in candidates for network in self._networks)


def _network(entry: str) -> Network | None:
    try:
        return ip_network(entry.removeprefix("[").removesuffix("]"), strict=False)
    except ValueError:
        return None


def _bare(host: str) -> str:
    return host.rstrip(".").lower()


def _looks_numeric(host: str) -> bool:
    last = host.rsplit(".", 1)[-1]
    return last.isdigit() or re.fullmatch(r"0x[0-9a-f]*", last) is not None


def entry_for(address: str) -> str:
    """The [egress] allow entry that would permit exactly this address."""
    network = _network(address.partition("%")[0])
    return str(network) if network is not None else address
