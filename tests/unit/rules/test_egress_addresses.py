"""Which addresses may be connected to: the special ranges, their spellings inside IPv6, and what a list permits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadwire.rules.egress_addresses import Allowlist, entry_for, refusal

REFUSED = [
    ("127.0.0.1", "loopback"),
    ("127.255.255.254", "loopback"),
    ("10.0.0.1", "private"),
    ("172.16.0.1", "private"),
    ("172.31.255.255", "private"),
    ("192.168.1.1", "private"),
    ("169.254.169.254", "link-local"),
    ("100.64.0.1", "carrier-grade"),
    ("100.100.100.200", "carrier-grade"),
    ("168.63.129.16", "metadata"),
    ("192.0.0.192", "reserved"),
    ("192.0.2.1", "documentation"),
    ("198.18.0.1", "benchmarking"),
    ("224.0.0.1", "multicast"),
    ("239.255.255.255", "multicast"),
    ("240.0.0.1", "reserved"),
    ("255.255.255.255", "broadcast"),
    ("0.0.0.0", "unspecified"),
    ("0.1.2.3", "unspecified"),
    ("::", "unspecified"),
    ("::1", "loopback"),
    ("::1%lo", "loopback"),
    ("fe80::1%eth0", "link-local"),
    ("fe80::a9fe:a9fe", "link-local"),
    ("fc00::1", "private"),
    ("fd12:3456::1", "private"),
    ("fd00:ec2::254", "metadata"),
    ("fec0::1", "site-local"),
    ("ff02::1", "multicast"),
    ("2001:db8::1", "documentation"),
    ("2001::1", "Teredo"),
    ("2002:7f00:1::", "6to4"),
    ("::ffff:127.0.0.1", "loopback"),
    ("::ffff:7f00:1", "loopback"),
    ("::ffff:169.254.169.254", "link-local"),
    ("::127.0.0.1", "reserved"),
    ("64:ff9b::7f00:1", "loopback"),
    ("64:ff9b::10.0.0.1", "private"),
    ("64:ff9b:1::1", "NAT64"),
    ("100::1", "reserved"),
    ("4000::1", "reserved"),
    ("0177.0.0.1", "canonical"),
    ("127.1", "canonical"),
    ("2130706433", "canonical"),
    ("", "canonical"),
    ("localhost", "canonical"),
]


@pytest.mark.parametrize(("address", "kind"), REFUSED)
def test_an_address_that_is_not_public_is_refused_by_its_kind(address: str, kind: str) -> None:
    assert kind in (refusal(address) or "")


@pytest.mark.parametrize(
    "address",
    [
        "8.8.8.8",
        "1.1.1.1",
        "172.15.255.255",
        "172.32.0.1",
        "100.63.255.255",
        "100.128.0.1",
        "2606:4700::1111",
        "::ffff:8.8.8.8",
        "64:ff9b::8.8.8.8",
    ],
)
def test_a_public_address_is_not_refused(address: str) -> None:
    assert refusal(address) is None


@given(st.ip_addresses(v=4))
def test_an_address_and_its_forms_inside_ipv6_have_one_verdict(address: object) -> None:
    assert refusal(f"::ffff:{address}") == refusal(str(address)) == refusal(f"64:ff9b::{address}")


@pytest.mark.parametrize(
    ("entry", "address"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("127.0.0.1/32", "::ffff:127.0.0.1"),
        ("10.0.0.0/8", "10.1.2.3"),
        ("10.0.0.7/8", "10.1.2.3"),
        ("::1", "::1"),
        ("[::1]", "::1"),
        ("fd00::/8", "fd00::1%eth0"),
    ],
)
def test_a_listed_network_permits_its_addresses(entry: str, address: str) -> None:
    assert Allowlist([entry]).permits_address(address)


@pytest.mark.parametrize("address", ["127.0.0.2", "10.0.0.1", "::1", "localhost", ""])
def test_a_list_permits_nothing_else(address: str) -> None:
    assert not Allowlist(["127.0.0.1", "crm.internal"]).permits_address(address)


def test_host_names_are_compared_whole_and_without_case_or_final_dot() -> None:
    allowlist = Allowlist(["CRM.internal"])
    assert allowlist.permits_host("crm.INTERNAL.")
    assert not allowlist.permits_host("evil-crm.internal")
    assert not allowlist.permits_host("crm.internal.example.com")


@pytest.mark.parametrize(
    "entry",
    [
        "",
        "http://crm.internal",
        "crm.internal:8080",
        "127.0.0.1:80",
        "127.1",
        "0x7f.1",
        "*.internal",
        "10.0.0.0/33",
        "a b",
    ],
)
def test_a_wrong_entry_is_an_error_that_shows_right_ones(entry: str) -> None:
    with pytest.raises(ValueError, match=r"10\.0\.0\.0/8"):
        Allowlist([entry])


@given(st.ip_addresses())
def test_the_suggested_entry_permits_exactly_what_was_refused(address: object) -> None:
    assert Allowlist([entry_for(str(address))]).permits_address(str(address))
