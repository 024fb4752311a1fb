"""The webhook entrance, called as ASGI: what it takes, what it turns away, and in which order it decides."""

import gzip
import hashlib
import hmac
import json
import zlib
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import pytest

from leadwire.engine.refusals import Refusals
from leadwire.model.errors import PayloadInvalid, SignatureInvalid, StorageFailed, StorageFull
from leadwire.model.event import NewEvent, RawRequest
from leadwire.sdk import DoorAnswer, Parsed
from leadwire.testing.manual_clock import START, ManualClock
from leadwire.web.doors import Doors
from leadwire.web.limits import DoorLimits

SECRET = b"test_app_secret"
LIMITS = DoorLimits(body_bytes_max=1000, decoded_bytes_max=100_000, decoded_ratio_max=50)


def sign(body: bytes) -> str:
    return hmac.new(SECRET, body, hashlib.sha256).hexdigest()


class SignedSource:
    """HMAC over the body; says hello to a GET that carries hello; may raise what a hostile body made it raise."""

    def __init__(self, raises: Exception | None = None) -> None:
        self._raises = raises

    def verify(self, request: RawRequest) -> None:
        if self._raises is not None:
            raise self._raises
        if not hmac.compare_digest((request.header("x-signature") or "").encode(), sign(request.body).encode()):
            raise SignatureInvalid

    def parse(self, request: RawRequest) -> Iterable[Parsed]:
        return ()

    def handshake(self, request: RawRequest) -> DoorAnswer | None:
        if request.query == b"wrong":
            raise SignatureInvalid
        return DoorAnswer(body=b"1158201444") if request.query.startswith(b"hello") else None


class NumberedSource(SignedSource):
    """Its pushes carry an id."""

    def push_id(self, request: RawRequest) -> str | None:
        return request.header("webhook-id")


class IdlessSource(SignedSource):
    """Its records carry no ids of their own."""

    collapse_identical = False


class PullOnly:
    """Takes no pushes."""

    def pull(self) -> None: ...


class SetIntake:
    """Keeps events in a list and their keys in a set."""

    def __init__(self) -> None:
        self.events: list[NewEvent] = []
        self.raises: Exception | None = None
        self._keys: set[tuple[str, bytes]] = set()

    async def accept(self, event: NewEvent) -> Literal["stored", "duplicate"]:
        if self.raises is not None:
            raise self.raises
        if (event.source, event.dedup_key) in self._keys:
            return "duplicate"
        self._keys.add((event.source, event.dedup_key))
        self.events.append(event)
        return "stored"


class Answer:
    def __init__(self, messages: list[Any]) -> None:
        self.status: int = messages[0]["status"]
        self.headers = {name.decode(): value.decode() for name, value in messages[0]["headers"]}
        self.body: bytes = b"".join(message["body"] for message in messages[1:])

    @property
    def problem(self) -> dict[str, Any]:
        assert self.headers["content-type"] == "application/problem+json"
        document: dict[str, Any] = json.loads(self.body)
        assert document["status"] == self.status
        return document


class Entrance:
    """Doors with sources by name, and a way to knock."""

    def __init__(self) -> None:
        self.intake = SetIntake()
        self.refusals = Refusals()
        self.clock = ManualClock()
        self.inner_saw: list[str] = []
        sources = {
            "signed": SignedSource(),
            "numbered": NumberedSource(),
            "idless": IdlessSource(),
            "pulled": PullOnly(),
            "odd": SignedSource(raises=PayloadInvalid("no key")),
            "type_error": SignedSource(raises=TypeError("non-ASCII")),
            "deep": SignedSource(raises=RecursionError()),
        }
        self._doors = Doors(sources, self.intake, self.refusals, self.clock, LIMITS, self._inner)

    async def _inner(self, scope: Any, receive: Any, send: Any) -> None:
        self.inner_saw.append(scope.get("path", scope["type"]))

    async def call(self, scope: dict[str, Any], messages: Sequence[dict[str, Any]]) -> list[Any]:
        waiting = list(messages)
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return waiting.pop(0)

        async def send(message: Any) -> None:
            sent.append(message)

        await self._doors(scope, receive, send)
        return sent

    async def knock(
        self,
        name: str,
        body: bytes = b"{}",
        *,
        method: str = "POST",
        query: bytes = b"",
        headers: Sequence[tuple[str, str]] | None = None,
        chunks: Sequence[bytes] | None = None,
    ) -> Answer:
        given = [("x-signature", sign(body))] if headers is None else headers
        pieces = [body] if chunks is None else chunks
        messages = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
        messages[-1]["more_body"] = False
        return Answer(await self.call(http(f"/webhooks/{name}", method, query, given), messages))


def http(path: str, method: str, query: bytes, headers: Sequence[tuple[str, str]]) -> dict[str, Any]:
    return {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query,
        "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers],
        "client": ("192.0.2.7", 4711),
    }


@pytest.fixture
def entrance() -> Entrance:
    return Entrance()


async def test_a_signed_push_is_stored_as_its_raw_bytes_and_then_answered(entrance: Entrance) -> None:
    body = b'{"name":"\xff caf\\u00e9"}'
    answer = await entrance.knock("signed", body, query=b"a=1")
    assert (answer.status, json.loads(answer.body)) == (200, {"status": "stored"})
    (event,) = entrance.intake.events
    assert (event.source, event.request.body, event.request.query) == ("signed", body, b"a=1")
    assert (event.request.received_at, event.request.path) == (START, "/webhooks/signed")
    assert event.request.header("x-signature") == sign(body)


async def test_the_same_push_again_is_a_duplicate_and_a_success(entrance: Entrance) -> None:
    await entrance.knock("signed")
    entrance.clock.advance(86_400)
    answer = await entrance.knock("signed")
    assert (answer.status, json.loads(answer.body)) == (200, {"status": "duplicate"})


async def test_where_records_have_no_ids_the_same_bytes_later_are_another_enquiry(entrance: Entrance) -> None:
    await entrance.knock("idless")
    assert json.loads((await entrance.knock("idless")).body)["status"] == "duplicate"
    entrance.clock.advance(60)
    assert json.loads((await entrance.knock("idless")).body)["status"] == "stored"


async def test_a_push_id_tells_two_identical_bodies_apart_for_ever(entrance: Entrance) -> None:
    for number, expected in (("a", "stored"), ("b", "stored"), ("a", "duplicate")):
        headers = [("x-signature", sign(b"{}")), ("webhook-id", number)]
        assert json.loads((await entrance.knock("numbered", headers=headers)).body)["status"] == expected


async def test_a_wrong_signature_is_401_counted_and_not_stored(entrance: Entrance) -> None:
    for headers in (
        [("x-signature", sign(b"other"))],
        [],
        [("x-signature", sign(b"{}")), ("x-signature", sign(b"{}"))],
    ):
        answer = await entrance.knock("signed", headers=headers)
        assert answer.problem["type"] == "urn:leadwire:problem:signature-invalid"
        assert answer.status == 401
    assert entrance.intake.events == []
    assert entrance.refusals.counts == {("signed", "signature"): 3}
    assert entrance.refusals.recent[0].peer == "192.0.2.7"


@pytest.mark.parametrize("name", ["nobody", "", "pulled", "signed/x", "SIGNED", "../signed", "signed\0"])
async def test_a_name_that_takes_no_pushes_is_404_without_reading_the_body(name: str, entrance: Entrance) -> None:
    scope = http(f"/webhooks/{name}", "POST", b"", [("content-length", "999999999")])
    answer = Answer(await entrance.call(scope, []))
    assert answer.problem["type"] == "urn:leadwire:problem:source-unknown"
    assert entrance.refusals.counts == {("", "unknown"): 1}


async def test_one_slash_at_the_end_of_the_name_is_forgiven(entrance: Entrance) -> None:
    assert (await entrance.knock("signed/")).status == 200


@pytest.mark.parametrize("method", ["PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"])
async def test_other_methods_are_405_with_the_allowed_ones(method: str, entrance: Entrance) -> None:
    answer = await entrance.knock("signed", method=method)
    assert (answer.status, answer.headers["allow"]) == (405, "GET, POST")


async def test_a_handshake_is_answered_and_not_stored(entrance: Entrance) -> None:
    answer = await entrance.knock("signed", b"", method="GET", query=b"hello=1", headers=[])
    assert (answer.status, answer.body, answer.headers["content-type"]) == (
        200,
        b"1158201444",
        "text/plain; charset=utf-8",
    )
    assert entrance.intake.events == []


async def test_a_wrong_handshake_is_401(entrance: Entrance) -> None:
    assert (await entrance.knock("signed", b"", method="GET", query=b"wrong", headers=[])).status == 401


async def test_a_get_that_is_no_handshake_is_a_push(entrance: Entrance) -> None:
    assert (await entrance.knock("signed", b"", method="GET", query=b"caller=1")).status == 200
    assert entrance.intake.events[0].request.query == b"caller=1"


async def test_a_declared_length_over_the_limit_is_413_before_the_body_is_read(entrance: Entrance) -> None:
    scope = http("/webhooks/signed", "POST", b"", [("content-length", "1001")])
    answer = Answer(await entrance.call(scope, []))
    assert answer.problem["type"] == "urn:leadwire:problem:body-too-large"


async def test_a_chunked_body_is_counted_and_cut_off_at_the_limit(entrance: Entrance) -> None:
    chunk = {"type": "http.request", "body": b"x" * 400, "more_body": True}
    never_read = {"type": "never"}
    answer = Answer(await entrance.call(http("/webhooks/signed", "POST", b"", []), [chunk, chunk, chunk, never_read]))
    assert answer.status == 413
    assert entrance.refusals.counts == {("signed", "body_size"): 1}


async def test_a_body_of_exactly_the_limit_is_taken_in_pieces_too(entrance: Entrance) -> None:
    body = b"x" * 1000
    assert (await entrance.knock("signed", body)).status == 200
    assert (await entrance.knock("signed", body + b"x")).status == 413
    assert (await entrance.knock("numbered", body, chunks=[body[:1], body[1:999], b"", body[999:]])).status == 200
    assert entrance.intake.events[1].request.body == body


@pytest.mark.parametrize("length", ["abc", "-1", "1" * 5000, ""])
async def test_a_length_that_is_no_number_is_400(length: str, entrance: Entrance) -> None:
    assert (await entrance.knock("signed", headers=[("content-length", length)])).status == 400


async def test_a_client_that_goes_away_leaves_nothing_but_a_count(entrance: Entrance) -> None:
    half = {"type": "http.request", "body": b"{", "more_body": True}
    gone: dict[str, Any] = {"type": "http.disconnect"}
    for messages in ([half, gone], [gone]):
        assert await entrance.call(http("/webhooks/signed", "POST", b"", []), messages) == []
    assert entrance.intake.events == []
    assert entrance.refusals.counts == {("signed", "incomplete"): 2}


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "deflate", "GZIP"])
@pytest.mark.parametrize("signs", ["received", "decoded"])
async def test_an_encoded_body_is_verified_either_way_and_stored_decoded(
    encoding: str, signs: str, entrance: Entrance
) -> None:
    plain = b'{"a":1}'
    sent = zlib.compress(plain) if encoding == "deflate" else gzip.compress(plain)
    headers = [("content-encoding", encoding), ("x-signature", sign(sent if signs == "received" else plain))]
    assert (await entrance.knock("signed", sent, headers=headers)).status == 200
    (event,) = entrance.intake.events
    assert (event.request.body, event.request.header("content-encoding")) == (plain, None)


async def test_an_encoded_body_with_a_wrong_signature_is_401(entrance: Entrance) -> None:
    headers = [("content-encoding", "gzip"), ("x-signature", sign(b"other"))]
    assert (await entrance.knock("signed", gzip.compress(b"{}"), headers=headers)).status == 401


@pytest.mark.parametrize(
    ("encoding", "sent", "status"),
    [
        ("gzip", gzip.compress(b"0" * 500_000), 413),
        ("gzip", gzip.compress(b"0" * 90_000), 413),
        ("gzip", b"no gzip at all", 400),
        ("gzip", gzip.compress(b"{}")[:-5], 400),
        ("deflate", b"\xff\xff\xff", 400),
        ("br", b"\x0b\x02\x80", 415),
        ("gzip, gzip", gzip.compress(gzip.compress(b"{}")), 415),
        ("zstd", b"(\xb5/\xfd", 415),
    ],
    ids=["past the cap", "past the ratio", "no gzip", "cut off", "no deflate", "brotli", "stacked", "zstd"],
)
async def test_bombs_and_unknown_encodings_are_turned_away(
    encoding: str, sent: bytes, status: int, entrance: Entrance
) -> None:
    headers = [("content-encoding", encoding), ("x-signature", sign(sent))]
    answer = await entrance.knock("signed", sent, headers=headers)
    assert answer.problem["status"] == status
    assert entrance.intake.events == []


@pytest.mark.parametrize("name", ["odd", "type_error", "deep"])
async def test_bytes_that_break_the_check_are_400_and_never_a_crash(name: str, entrance: Entrance) -> None:
    assert (await entrance.knock(name)).problem["type"] == "urn:leadwire:problem:bad-request"


async def test_a_signed_poison_body_is_stored_for_it_must_not_come_again(entrance: Entrance) -> None:
    assert (await entrance.knock("signed", b"[" * 900)).status == 200


@pytest.mark.parametrize("error", [StorageFull(), StorageFailed()])
async def test_when_nothing_can_be_stored_the_sender_is_asked_to_come_again(
    error: Exception, entrance: Entrance
) -> None:
    entrance.intake.raises = error
    answer = await entrance.knock("signed")
    assert (answer.problem["status"], answer.headers["retry-after"]) == (503, "5")
    assert entrance.refusals.counts == {("signed", type(error).__name__): 1}


async def test_stored_headers_and_query_hold_no_credentials(entrance: Entrance) -> None:
    headers = [
        ("x-signature", sign(b"{}")),
        ("authorization", "Bearer s3cret"),
        ("cookie", "s3cret"),
        ("x-leadwire-token", "s3cret"),
    ]
    query = b"caller=1&token=s3cret&access_token=s3cret&secret=s3cret&api_key=s3cret&from=2"
    await entrance.knock("signed", query=query, headers=headers)
    (event,) = entrance.intake.events
    assert "s3cret" not in repr(event)
    assert (
        event.request.query == b"caller=1&token=redacted&access_token=redacted&secret=redacted&api_key=redacted&from=2"
    )
    assert event.request.header("authorization") == "redacted"


async def test_refusals_hold_neither_body_nor_query(entrance: Entrance) -> None:
    await entrance.knock("signed", b'{"email":"s3cret@example.com"}', query=b"token=s3cret", headers=[])
    assert "s3cret" not in repr(entrance.refusals.recent)


async def test_every_problem_has_an_instance_of_its_own(entrance: Entrance) -> None:
    seen = {(await entrance.knock("nobody")).problem["instance"] for _ in range(3)}
    assert len(seen) == 3


@pytest.mark.parametrize("path", ["/", "/webhooks", "/webhook/signed", "/api/v1/leads", "/Webhooks/signed"])
async def test_everything_else_goes_to_the_application_behind(path: str, entrance: Entrance) -> None:
    assert await entrance.call(http(path, "POST", b"", []), []) == []
    assert entrance.inner_saw == [path]


async def test_lifespan_goes_to_the_application_behind(entrance: Entrance) -> None:
    await entrance.call({"type": "lifespan"}, [])
    assert entrance.inner_saw == ["lifespan"]
