"""The handshake and the signature at Meta's door."""

import hashlib
import hmac
from typing import Any

import msgspec
import pytest

from leadwire.connectors.meta_lead_ads import connector
from leadwire.connectors.meta_lead_ads.settings import MetaSettings
from leadwire.connectors.meta_lead_ads.source import MetaLeadAds
from leadwire.sdk import (
    DoorAnswer,
    Handshaking,
    HttpFailed,
    PayloadInvalid,
    RawRequest,
    SignatureInvalid,
    Tools,
    decode_setting,
)
from leadwire.testing.connector_contract import FixedHttp

SETTINGS: dict[str, Any] = {"app_secret": "new", "app_secret_previous": ["old"], "verify_token": "गुप्त-token"}
TOKEN = "%E0%A4%97%E0%A5%81%E0%A4%AA%E0%A5%8D%E0%A4%A4-token"


def settings(**more: object) -> MetaSettings:
    return msgspec.convert({**SETTINGS, **more}, MetaSettings, dec_hook=decode_setting)


def source() -> MetaLeadAds:
    return MetaLeadAds(settings(), Tools(name="meta", http=FixedHttp(HttpFailed()), now=lambda: 0))


def request(body: bytes = b"", *headers: tuple[str, str], method: str = "POST", query: str = "") -> RawRequest:
    return RawRequest(method=method, path="/", query=query.encode(), headers=headers, body=body, received_at=1)


def signed(body: bytes, secret: str = "new") -> tuple[str, str]:
    return "x-hub-signature-256", "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def greet(query: str) -> DoorAnswer | None:
    return source().handshake(request(method="GET", query=query))


def test_the_challenge_comes_back_as_it_is() -> None:
    answer = greet(f"hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token={TOKEN}")
    assert answer == DoorAnswer(status=200, content_type="text/plain; charset=utf-8", body=b"1158201444")


@pytest.mark.parametrize(
    "query",
    [
        "",
        "hub.mode=subscribe&hub.challenge=1",
        "hub.mode=subscribe&hub.challenge=1&hub.verify_token=",
        "hub.mode=subscribe&hub.challenge=1&hub.verify_token=wrong",
        f"hub_mode=subscribe&hub_challenge=1&hub_verify_token={TOKEN}",
        f"hub.mode=unsubscribe&hub.challenge=1&hub.verify_token={TOKEN}",
        f"hub.mode=subscribe&hub.verify_token={TOKEN}",
        f"hub.mode=subscribe&hub.challenge={'1' * 300}&hub.verify_token={TOKEN}",
        f"hub.mode=subscribe&hub.challenge=1&hub.verify_token={TOKEN}&hub.verify_token={TOKEN}",
    ],
)
def test_no_challenge_comes_back_for_anything_else(query: str) -> None:
    with pytest.raises(SignatureInvalid):
        greet(query)


def test_a_post_is_no_handshake() -> None:
    assert source().handshake(request()) is None
    assert isinstance(source(), Handshaking)


def test_the_current_and_the_previous_secret_both_count() -> None:
    source().verify(request(b"{}", signed(b"{}")))
    source().verify(request(b"{}", signed(b"{}", "old")))


@pytest.mark.parametrize("sent", ["äöå", "न😀<>%@/"])
def test_a_body_signed_in_its_escaped_form_counts(sent: str) -> None:
    escaped = f'{{"a":"{sent}"}}'.encode("ascii", "backslashreplace")
    escaped = (
        escaped.replace(b"\\U0001f600", b"\\ud83d\\ude00").replace(b"\\xe4", b"\\u00e4").replace(b"\\xf6", b"\\u00f6")
    )
    escaped = escaped.replace(b"\\xe5", b"\\u00e5")
    raw = f'{{"a":"{sent}"}}'.encode()
    source().verify(request(escaped, signed(escaped)))
    source().verify(request(raw, signed(escaped)))
    source().verify(request(raw, signed(raw)))
    with pytest.raises(SignatureInvalid):
        source().verify(request(raw + b" ", signed(escaped)))


@pytest.mark.parametrize("body", [b"\xff", b"{}"])
def test_a_wrong_signature_is_refused_whatever_the_body_is(body: bytes) -> None:
    name, value = signed(body)
    for headers in (
        (),
        ((name, value), (name, value)),
        ((name, value.upper()),),
        ((name, value.removeprefix("sha256=")),),
        ((name, value[:-1]),),
        (signed(body, "other"),),
        (("x-hub-signature", "sha1=" + hmac.new(b"new", body, hashlib.sha1).hexdigest()),),
    ):
        with pytest.raises(SignatureInvalid):
            source().verify(request(body, *headers))


def test_poison_is_payload_invalid() -> None:
    with pytest.raises(PayloadInvalid):
        list(source().parse(request(b'{"entry":' * 100_000)))


@pytest.mark.parametrize(
    "wrong",
    [
        {"app_secret": ""},
        {"verify_token": ""},
        {"graph_version": "26"},
        {"graph_url": "ftp://x"},
        {"pages": [{"id": "x", "access_token": "t"}]},
        {"pages": [{"id": "1", "access_token": "t"}, {"id": "1", "access_token": "u"}]},
        {"page": []},
    ],
)
def test_wrong_settings_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        settings(**wrong)


def test_the_connector_builds_it() -> None:
    assert connector.source is MetaLeadAds
