"""Signatures: published vectors, every way to present a wrong one, and the reference library both ways."""

import base64
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from leadwire.model.errors import SignatureInvalid
from leadwire.rules.signatures import (
    StandardSigned,
    accepted_standard_keys,
    check_template,
    check_timestamp,
    hmac_text,
    is_any_of,
    is_same_text,
    is_signed,
    is_standard_id,
    sign_standard,
    signed_text,
    standard_key,
    verify_standard,
)

META_SECRET = b"test_app_secret"
META_BODY = (
    b'{"object":"page","entry":[{"id":"138124712925158","time":1630087927,"changes":[{"value":{"form_id":"172036835026334",'
    b'"leadgen_id":"233370042045345","created_time":1630087926,"page_id":"138124712925158"},"field":"leadgen"}]}]}'
)
META_SHA256 = "91a0cba62ba34adc5267efb83f03dc43da2a6acf1f758b1db8b8ad6af292d802"
META_SHA1 = "5b0b49b4262def2dadc8a4bc0993ee696594e26b"

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
SENT_S = 1614265330
BODY = b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def standard(
    *, message_id: str = ID, timestamp: str = str(SENT_S), signatures: str = SIGNATURE, body: bytes = BODY
) -> StandardSigned:
    return StandardSigned(message_id=message_id, timestamp=timestamp, signatures=signatures, body=body)


def verify(signed: StandardSigned, *, secrets: tuple[str, ...] = (SECRET,), now_s: float = SENT_S) -> None:
    verify_standard(signed, accepted_standard_keys(secrets), now_s=now_s)


def test_the_published_meta_vector_comes_out() -> None:
    assert hmac_text(META_SECRET, META_BODY) == META_SHA256
    assert hmac_text(META_SECRET, META_BODY, "sha1") == META_SHA1


def test_the_published_appsecret_proof_comes_out() -> None:
    proof = "92df2c7d06a0bea4fc2b80f86300143642d76252e572eb8556f74bdebb3b3c06"
    assert hmac_text(META_SECRET, b"TEST_PAGE_TOKEN") == proof


def test_a_published_base64_vector_comes_out() -> None:
    text = "https://mycompany.com/myapp.php?foo=1&bar=2CallSidCA1234567890ABCDECaller+14158675309Digits1234From+14158675309To+18005551212"
    assert hmac_text(b"12345", text.encode(), "sha1", "base64") == "RSOYDt4T1cUTdK1PDd93/VVr8B8="


def test_any_of_several_secrets_counts_during_a_rotation() -> None:
    assert is_signed(META_SHA256, META_BODY, [b"new", META_SECRET])
    assert is_signed(META_SHA256, META_BODY, [META_SECRET, b"new"])


@pytest.mark.parametrize(
    "presented",
    ["", META_SHA256[:-1], META_SHA256.upper(), META_SHA256 + "0", " " + META_SHA256, META_SHA1, "é" * 64, "\ud800"],
)
def test_anything_but_the_exact_signature_is_none(presented: str) -> None:
    assert not is_signed(presented, META_BODY, [META_SECRET])


def test_an_empty_secret_signs_nothing() -> None:
    assert not is_signed(hmac_text(b"", BODY), BODY, [b""])
    assert not is_any_of("", ["", "x"])


def test_one_of_the_allowed_texts_is_found_wherever_it_stands() -> None:
    assert is_any_of("b", ["a", "b"])
    assert is_any_of("a", ["a", "b"])
    assert not is_any_of("c", ["a", "b"])
    assert not is_same_text("ключ", "ключи")


@given(body=st.binary(max_size=200), flip=st.integers(min_value=0))
def test_a_changed_bit_breaks_a_signature(body: bytes, flip: int) -> None:
    signature = hmac_text(META_SECRET, b"." + body)
    changed = bytearray(b"." + body)
    changed[flip % len(changed)] ^= 1 << (flip % 8)
    assert is_signed(signature, b"." + body, [META_SECRET])
    assert not is_signed(signature, bytes(changed), [META_SECRET])


def test_the_signed_text_keeps_the_body_as_it_came() -> None:
    body = b'{"a": "{id} {timestamp} \xff"}'
    signed = signed_text("{id}.{timestamp}.{body}", body=body, timestamp="7", message_id="m")
    assert signed == b"m.7." + body


@pytest.mark.parametrize("template", ["", "{timestamp}", "{body}{url}", "{Body}"])
def test_a_template_without_the_body_or_with_unknown_parts_is_refused(template: str) -> None:
    with pytest.raises(ValueError, match="signed text"):
        check_template(template)


@pytest.mark.parametrize(
    "template", ["{body}", "{timestamp}.{body}", "v0:{timestamp}:{body}", "{id}.{timestamp}.{body}"]
)
def test_the_usual_templates_are_taken(template: str) -> None:
    check_template(template)


def test_the_published_standard_vector_verifies_and_comes_out() -> None:
    assert sign_standard(ID, SENT_S, BODY, standard_key(SECRET)) == SIGNATURE
    verify(standard())


def test_the_reference_library_accepts_what_we_sign() -> None:
    now_s = int(datetime.now(tz=UTC).timestamp())
    signature = sign_standard(ID, now_s, BODY, standard_key(SECRET))
    headers = {"webhook-id": ID, "webhook-timestamp": str(now_s), "webhook-signature": signature}
    assert Webhook(SECRET).verify(BODY, headers) == {"test": 2432232314}
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(BODY + b" ", headers)


@pytest.mark.parametrize("secret", [SECRET, SECRET.removeprefix("whsec_"), SECRET.rstrip("=")])
def test_we_accept_what_the_reference_library_signs(secret: str) -> None:
    signature = Webhook(secret).sign(ID, datetime.fromtimestamp(SENT_S, tz=UTC), BODY.decode())
    verify(standard(signatures=signature), secrets=(secret,))


def test_a_secret_without_prefix_also_counts_as_plain_text() -> None:
    signature = sign_standard(ID, SENT_S, BODY, b"any plain text!")
    verify(standard(signatures=signature), secrets=("any plain text!",))


@pytest.mark.parametrize(
    "signatures",
    [
        f"v1,AAAA {SIGNATURE}",
        f"{SIGNATURE} v1,AAAA",
        f"v1a,AAAA v2,{SIGNATURE[3:]} {SIGNATURE}",
        " ".join(["v1,AAAA"] * 9 + [SIGNATURE]),
    ],
)
def test_any_matching_signature_of_the_list_passes(signatures: str) -> None:
    verify(standard(signatures=signatures))


@pytest.mark.parametrize(
    "signatures",
    [
        "",
        "v1,",
        SIGNATURE[3:],
        f"v1a,{SIGNATURE[3:]}",
        f"v2,{SIGNATURE[3:]}",
        f"V1,{SIGNATURE[3:]}",
        SIGNATURE.rstrip("="),
        f"{SIGNATURE},{SIGNATURE}",
        " ".join(["v1,AAAA"] * 10 + [SIGNATURE]),
    ],
)
def test_no_match_among_the_first_ten_is_refused(signatures: str) -> None:
    with pytest.raises(SignatureInvalid, match="no v1 signature"):
        verify(standard(signatures=signatures))


@pytest.mark.parametrize(
    "timestamp", ["", "1614265330.0", "+1614265330", " 1614265330", "1e9", "-1", "١٦١٤٢٦٥٣٣٠", "9" * 40]
)
def test_a_time_that_is_no_plain_integer_is_refused(timestamp: str) -> None:
    signature = sign_standard(ID, SENT_S, BODY, standard_key(SECRET))
    with pytest.raises(SignatureInvalid, match="webhook-timestamp is no whole number"):
        verify(standard(timestamp=timestamp, signatures=signature))


@pytest.mark.parametrize(("away_s", "is_accepted"), [(0, True), (300, True), (-300, True), (301, False), (-301, False)])
def test_the_time_must_be_within_five_minutes(away_s: int, is_accepted: bool) -> None:
    if is_accepted:
        verify(standard(), now_s=SENT_S + away_s)
        return
    with pytest.raises(SignatureInvalid, match="300 s away"):
        verify(standard(), now_s=SENT_S + away_s)


@pytest.mark.parametrize("message_id", ["", "a.b", "a b", "ä", "a" * 257, "a\n"])
def test_an_id_that_could_blur_the_signed_text_is_refused(message_id: str) -> None:
    assert not is_standard_id(message_id)
    signature = sign_standard(message_id, SENT_S, BODY, standard_key(SECRET))
    with pytest.raises(SignatureInvalid, match="webhook-id"):
        verify(standard(message_id=message_id, signatures=signature))


def test_bytes_can_not_be_moved_between_the_parts_of_the_signed_text() -> None:
    signature = sign_standard("a", SENT_S, b"1.rest", standard_key(SECRET))
    with pytest.raises(SignatureInvalid):
        verify(standard(message_id=f"a.{SENT_S}", timestamp="1", body=b"rest", signatures=signature), now_s=1)


def test_milliseconds_are_understood_where_a_sender_uses_them() -> None:
    check_timestamp("1614265330123", now_s=SENT_S, tolerance_s=1, header="X-Time")
    with pytest.raises(SignatureInvalid, match="X-Time"):
        check_timestamp("1614265339123", now_s=SENT_S, tolerance_s=1, header="X-Time")


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_not base64!"])
def test_a_secret_that_can_not_sign_is_refused(secret: str) -> None:
    with pytest.raises(ValueError, match=r"empty|base64"):
        standard_key(secret)


def test_a_secret_is_the_base64_after_its_prefix() -> None:
    key = bytes(range(32))
    assert standard_key("whsec_" + base64.b64encode(key).decode()) == key
    assert standard_key("plain") == b"plain"
