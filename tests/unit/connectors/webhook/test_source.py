"""The webhook source: each scheme of proof, each kind of body, each way to name a value."""

import base64
import hashlib
import hmac
import json
from typing import Any, Protocol

import msgspec
import pytest

from leadwire.connectors.webhook.settings import WebhookSettings
from leadwire.connectors.webhook.source import Webhook
from leadwire.sdk import (
    Attribution,
    DeduplicatingPush,
    Parsed,
    PayloadInvalid,
    RawRequest,
    Record,
    SignatureInvalid,
    Tools,
    Unreadable,
    decode_setting,
    sign_standard,
    standard_key,
)

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SENT_S = 1_772_000_000
HMAC: dict[str, Any] = {"scheme": "hmac", "secret": "s", "header": "X-Signature"}


class Bench(Protocol):
    def tools(self) -> Tools: ...


def source(bench: Bench, **settings: object) -> Webhook:
    given = {"secret": SECRET, **settings}
    return Webhook(msgspec.convert(given, WebhookSettings, dec_hook=decode_setting), bench.tools())


def request(
    body: bytes = b"", *headers: tuple[str, str], query: bytes = b"", received_at: int = SENT_S * 1_000_000
) -> RawRequest:
    return RawRequest(method="POST", path="/", query=query, headers=headers, body=body, received_at=received_at)


def standard(body: bytes, *, secret: str = SECRET, message_id: str = "msg_1") -> RawRequest:
    signature = sign_standard(message_id, SENT_S, body, standard_key(secret))
    return request(
        body, ("webhook-id", message_id), ("webhook-timestamp", str(SENT_S)), ("webhook-signature", signature)
    )


def parse(
    bench: Bench, payload: object, headers: tuple[tuple[str, str], ...] = (), settings: dict[str, object] | None = None
) -> list[Parsed]:
    return list(source(bench, **(settings or {})).parse(request(json.dumps(payload).encode(), *headers)))


def record(bench: Bench, payload: object, **settings: object) -> Record:
    (parsed,) = parse(bench, payload, settings=settings)
    assert isinstance(parsed, Record)
    return parsed


def is_refused(webhook: Webhook, asked: RawRequest) -> bool:
    try:
        webhook.verify(asked)
    except SignatureInvalid:
        return True
    return False


def test_a_standard_signature_is_accepted_under_the_new_and_the_old_secret(bench: Bench) -> None:
    webhook = source(bench, secret="brand new", secret_previous=[SECRET])
    webhook.verify(standard(b"{}"))
    webhook.verify(standard(b"{}", secret="brand new"))
    assert is_refused(webhook, standard(b"{}", secret="another one"))


def test_the_tolerance_is_a_setting(bench: Bench) -> None:
    late = msgspec.structs.replace(standard(b"{}"), received_at=(SENT_S + 400) * 1_000_000)
    assert is_refused(source(bench), late)
    source(bench, tolerance="10m").verify(late)


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_missing_or_repeated_standard_header_is_refused(bench: Bench, name: str) -> None:
    good = standard(b"{}")
    missing = tuple(header for header in good.headers if header[0] != name)
    assert is_refused(source(bench), msgspec.structs.replace(good, headers=missing))
    assert is_refused(source(bench), msgspec.structs.replace(good, headers=(*good.headers, *good.headers)))


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha512"])
@pytest.mark.parametrize("encoding", ["hex", "base64"])
def test_a_signature_in_a_header_is_read_as_configured(bench: Bench, algorithm: str, encoding: str) -> None:
    digest = hmac.digest(b"s", b"{}", algorithm)
    text = digest.hex() if encoding == "hex" else base64.b64encode(digest).decode()
    webhook = source(bench, **HMAC, prefix="sig=", algorithm=algorithm, encoding=encoding)
    webhook.verify(request(b"{}", ("x-signature", f"sig={text}")))
    assert is_refused(webhook, request(b"{}", ("x-signature", text)))
    assert is_refused(webhook, request(b"{} ", ("x-signature", f"sig={text}")))
    assert is_refused(webhook, request(b"{}", ("x-signature", f"sig={text}"), ("x-signature", f"sig={text}")))
    assert is_refused(webhook, request(b"{}"))


def test_a_signed_text_may_hold_id_and_time(bench: Bench) -> None:
    webhook = source(bench, **HMAC, template="{id}.{timestamp}.{body}", timestamp_header="X-Time", id_header="X-Id")

    def signed(message_id: str, timestamp: str) -> RawRequest:
        text = hmac.new(b"s", f"{message_id}.{timestamp}.{{}}".encode(), hashlib.sha256).hexdigest()
        return request(b"{}", ("x-signature", text), ("x-time", timestamp), ("x-id", message_id))

    webhook.verify(signed("a-1", str(SENT_S)))
    assert webhook.push_id(signed("a-1", str(SENT_S))) == "a-1"
    assert is_refused(webhook, signed("a.1", str(SENT_S)))
    assert is_refused(webhook, signed("a-1", str(SENT_S - 301)))
    assert is_refused(webhook, signed("a-1", ""))


def test_a_token_counts_in_the_query_or_in_a_header(bench: Bench) -> None:
    webhook = source(bench, scheme="token", secret="t0p", secret_previous=["old"])
    webhook.verify(request(query=b"token=t0p"))
    webhook.verify(request(b"", ("x-leadwire-token", "old")))
    bearer = source(bench, scheme="token", secret="t0p", header="Authorization", prefix="Bearer ", query="")
    bearer.verify(request(b"", ("authorization", "Bearer t0p")))
    assert is_refused(bearer, request(query=b"token=Bearer+t0p"))
    for asked in (request(), request(query=b"token="), request(b"", ("x-leadwire-token", "t0p"), query=b"token=t0p")):
        assert is_refused(webhook, asked)


def test_without_proof_anybody_may_push_if_the_user_says_so(bench: Bench) -> None:
    source(bench, scheme="none", secret=None).verify(request())


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        ({"secret": None}, "secret is empty"),
        ({"secret": ""}, "secret is empty"),
        ({"secret": SECRET, "secret_previous": [""]}, "secret is empty"),
        ({"secret": "whsec_???"}, "base64"),
        ({"scheme": "hmac"}, "header is empty"),
        ({**HMAC, "template": "{timestamp}"}, "hold {body}"),
        ({**HMAC, "template": "{timestamp}.{body}"}, "timestamp_header is empty"),
        ({**HMAC, "template": "{id}.{body}", "id_header": ""}, "id_header is empty"),
        ({"scheme": "token", "query": ""}, "both empty"),
        ({"fields": {"telephone": "x"}}, "no standard field"),
        ({"fields": {"phone": "a..b"}}, "no JMESPath"),
        ({"id": "a["}, "no JMESPath"),
        ({"timezone": "Mars"}, "Asia/Kolkata"),
    ],
)
def test_wrong_settings_are_refused_with_the_fix(bench: Bench, wrong: dict[str, object], hint: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=hint):
        source(bench, **wrong)


def test_usual_names_are_found_however_they_are_written(bench: Bench) -> None:
    read = record(
        bench,
        {
            "Your Name": "Priya Sharma",
            "E-Mail": "priya@example.com",
            "mobileNumber": 9829123199,
            "Company_Name": "Own shop",
            "city": "Pune",
            "created_at": "2026-02-25T06:13:20Z",
            "budget": 50,
            "interest": ["flat", "plot"],
            "callback": True,
            "nothing": None,
            "nested": {"a": 1},
            "utm_source": "google",
            "utm_campaign": "spring",
            "utm_id": "c-7",
            "is_test": "true",
        },
    )
    assert read == Record(
        native_id=read.native_id,
        kind="form",
        occurred_at=1_772_000_000_000_000,
        full_name="Priya Sharma",
        email="priya@example.com",
        phone="9829123199",
        company="Own shop",
        city="Pune",
        answers={
            "budget": ["50"],
            "interest": ["flat", "plot"],
            "callback": ["true"],
            "utm_source": ["google"],
            "utm_campaign": ["spring"],
            "utm_id": ["c-7"],
        },
        attribution=Attribution(campaign_name="spring", campaign_id="c-7"),
        is_test=True,
    )


def test_a_second_phone_is_kept_as_an_answer(bench: Bench) -> None:
    read = record(bench, {"phone": "1", "mobile": "2"})
    assert (read.phone, read.answers) == ("1", {"mobile": ["2"]})


def test_paths_find_values_anywhere_and_win_over_names(bench: Bench) -> None:
    payload = {
        "form_response": {"token": "tok-1", "answers": [{"type": "email", "email": "a@example.com"}]},
        "wa": "+911",
        "phone": "+912",
    }
    paths = {"email": "form_response.answers[?type=='email'].email | [0]", "phone": "wa"}
    read = record(bench, payload, id="form_response.token", fields=paths)
    assert (read.native_id, read.email, read.phone) == ("tok-1", "a@example.com", "+911")
    assert read.answers == {"phone": ["+912"]}


def test_one_push_may_hold_several_enquiries(bench: Bench) -> None:
    payload = {"leads": [{"name": "A"}, 7, {"name": "B"}]}
    parsed = parse(bench, payload, headers=(("webhook-id", "msg_9"),), settings={"items": "leads"})
    assert [each.native_id for each in parsed if isinstance(each, Record)] == ["msg_9:0", "msg_9:2"]
    assert isinstance(parsed[1], Unreadable)
    assert len(parse(bench, [{"name": "A"}, {"name": "B"}])) == 2
    with pytest.raises(PayloadInvalid):
        parse(bench, payload, settings={"items": "rows"})


def test_an_envelope_is_unwrapped_and_its_time_counts(bench: Bench) -> None:
    read = record(bench, {"type": "lead.created", "timestamp": "2026-02-25T06:13:20Z", "data": {"full_name": "Priya"}})
    assert (read.full_name, read.occurred_at, read.answers) == ("Priya", 1_772_000_000_000_000, {})


def test_another_leadwire_can_be_the_sender(bench: Bench) -> None:
    data = {
        "full_name": "Priya",
        "phone": "+919829123199",
        "answers": {"car": ["a", "b"]},
        "attribution": {"platform": "ig", "ad_id": "7"},
        "records": [],
    }
    read = record(bench, {"type": "lead.created", "timestamp": "2026-02-25T06:13:20Z", "data": data})
    assert (read.answers, read.attribution) == ({"car": ["a", "b"]}, Attribution(platform="ig", ad_id="7"))


def test_the_id_is_the_path_then_the_push_then_a_hash_of_content_and_minute(bench: Bench) -> None:
    payload = {"ref": "r-1", "name": "A"}
    header = (("webhook-id", "msg_1"),)
    assert [each.native_id for each in parse(bench, payload, header, {"id": "ref"}) if isinstance(each, Record)] == [
        "r-1"
    ]
    assert [each.native_id for each in parse(bench, payload, headers=header) if isinstance(each, Record)] == ["msg_1"]

    def derived(body: bytes, received_at: int) -> str:
        (found,) = source(bench).parse(request(body, received_at=received_at))
        assert isinstance(found, Record)
        return found.native_id

    minute = 1_772_000_040_000_000
    first = derived(b'{"a":1,"b":2}', minute)
    assert first.startswith("derived:")
    assert derived(b'{"b": 2, "a": 1}', minute + 59_999_999) == first
    assert derived(b'{"a":1,"b":2}', minute + 60_000_000) != first
    assert derived(b'{"a":1,"b":3}', minute) != first


def test_it_names_its_pushes_and_says_when_identical_bytes_are_one(bench: Bench) -> None:
    webhook = source(bench)
    assert isinstance(webhook, DeduplicatingPush)
    assert webhook.push_id(standard(b"{}", message_id="msg_7")) == "msg_7"
    assert webhook.push_id(request(b"", ("webhook-id", "a.b"))) is None
    assert webhook.push_id(request()) is None
    assert webhook.collapse_identical is False
    assert source(bench, id="ref").collapse_identical is True


def test_forms_are_read_like_json(bench: Bench) -> None:
    body = b"full_name=Priya+Sharma&interest%5B%5D=flat&interest%5B%5D=plot&message="
    (urlencoded,) = source(bench).parse(request(body, ("content-type", "application/x-www-form-urlencoded")))
    assert isinstance(urlencoded, Record)
    assert (urlencoded.full_name, urlencoded.answers) == ("Priya Sharma", {"interest": ["flat", "plot"]})
    lines = ("--b", 'Content-Disposition: form-data; name="phone"', "", "+91 98291 23199", "--b--", "")
    (multipart,) = source(bench).parse(
        request("\r\n".join(lines).encode(), ("content-type", "multipart/form-data; boundary=b"))
    )
    assert isinstance(multipart, Record)
    assert multipart.phone == "+91 98291 23199"


def test_a_token_in_the_query_is_no_answer(bench: Bench) -> None:
    webhook = source(bench, scheme="token", secret="t")
    (read,) = webhook.parse(request(query=b"name=A&token=redacted"))
    assert isinstance(read, Record)
    assert (read.full_name, read.answers) == ("A", {})


@pytest.mark.parametrize("payload", [None, 7, "x", {}, [7], {"data": {}, "type": "x"}, {"a": None}])
def test_a_push_without_values_is_unreadable(bench: Bench, payload: object) -> None:
    try:
        parsed = parse(bench, payload)
    except PayloadInvalid:
        return
    assert [type(each) for each in parsed] == [Unreadable]


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"a":' * 100_000])
def test_what_can_not_be_read_at_all_is_payload_invalid(bench: Bench, body: bytes) -> None:
    with pytest.raises(PayloadInvalid):
        list(source(bench).parse(request(body)))


def test_a_path_that_fails_on_a_value_finds_nothing(bench: Bench) -> None:
    read = record(bench, {"name": "A", "age": "x"}, id="abs(age)", fields={"phone": "sum(age)"})
    assert (read.full_name, read.phone) == ("A", None)
