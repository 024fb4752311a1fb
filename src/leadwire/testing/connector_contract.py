"""What every connector does, as pytest classes: inherit each one in a test module that has the fixture `subject`.

A connector's folder holds `setup.md` and `samples/`: raw requests (`*.txt`: request line, headers, an empty line, the body
byte by byte) and `index.json`, which says under which settings and at what time each of them is accepted or refused.
"""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from leadwire.sdk import (
    SECOND,
    Connector,
    Delivered,
    Delivery,
    Destination,
    DestinationError,
    HttpAnswer,
    HttpFailed,
    HttpRequest,
    Ignored,
    Instant,
    NotSent,
    OutcomeUnknown,
    Parsed,
    PayloadInvalid,
    Pointer,
    PushSource,
    RawRequest,
    Receipt,
    Record,
    ReplyLost,
    Retryable,
    SignatureInvalid,
    Tools,
    Unreadable,
    decode_setting,
    read_instant,
)

HOSTILE_BODIES = (
    *(b"", b" ", b"null", b"true", b"7", b'""', b"[]", b"{}", b"[[]]", b'{"a":', b"{}{}", b"NaN", b'{"a":1e999}'),
    *(b"\xff\xfe{\x00}\x00", b"\xef\xbb\xbf{}", b'{"a":"\xff"}', b'{"a":"\\ud800"}', b'{"\\u0000":"\\u0000"}'),
    *(b"[" * 50_000, b'{"a":' * 50_000, b'{"data":' * 500 + b"1" + b"}" * 500, b"1" * 5_000, b"a=" * 5_000),
    *(b"&" * 5_000, b'{"entry":[[],null,{"changes":[null]}],"object":"page"}', b'{"data":[null,7,"x",[],{}]}'),
)
NATIVE_ID_CHARACTERS_MAX = 1_024


class FixedAnswer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a destination's far side answers when it took everything."""

    status: int = 200
    headers: dict[str, str] = {}
    body: str = ""


class SampleIndex(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """samples/index.json. Names are files of the same folder; `received_at` is ISO 8601; `delivered` is for destinations."""

    settings: dict[str, Any]
    received_at: str = "2026-01-01T00:00:00Z"
    accepted: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    delivered: FixedAnswer = FixedAnswer()


class FixedHttp:
    """An `Http` that answers each request with the same answer, or fails each time the same way, and keeps the requests."""

    def __init__(self, outcome: HttpAnswer | HttpFailed) -> None:
        self.requests: list[HttpRequest] = []
        self._outcome = outcome

    async def send(self, request: HttpRequest) -> HttpAnswer:
        """The fixed answer; raises the fixed failure."""
        self.requests.append(request)
        if isinstance(self._outcome, HttpFailed):
            raise self._outcome
        return self._outcome


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """A connector under test and its folder."""

    connector: Connector
    folder: Path

    @property
    def index(self) -> SampleIndex:
        """samples/index.json."""
        return msgspec.json.decode((self.folder / "samples" / "index.json").read_bytes(), type=SampleIndex)

    @property
    def received_at(self) -> Instant:
        """When the samples come in."""
        instant = read_instant(self.index.received_at)
        assert instant is not None, "received_at in samples/index.json is no time"
        return instant

    def settings(self) -> Any:
        """The settings of the samples; raises msgspec.ValidationError where they are wrong."""
        return msgspec.convert(self.index.settings, self.connector.settings, dec_hook=decode_setting)

    def tools(self, http: FixedHttp | None = None) -> Tools:
        """Tools with a clock that stands at the time of the samples."""
        given = http or FixedHttp(NotSent("the contract sends nothing here"))
        return Tools(name="contract", http=given, now=lambda: self.received_at, region="IN")

    def source(self) -> PushSource | None:
        """A new push source under the samples' settings; None where the connector is none."""
        if self.connector.source is None:
            return None
        source = self.connector.source(self.settings(), self.tools())
        return source if isinstance(source, PushSource) else None

    def destination(self, http: FixedHttp) -> Destination | None:
        """A new destination that speaks through `http`; None where the connector is none."""
        if self.connector.destination is None:
            return None
        return self.connector.destination(self.settings(), self.tools(http))

    def sample(self, name: str) -> RawRequest:
        """One raw request of the samples."""
        return read_sample((self.folder / "samples" / name).read_bytes(), self.received_at)


def read_sample(raw: bytes, received_at: Instant) -> RawRequest:
    """A request as it stands in a file. One line feed at the very end is the editor's, not the body's."""
    head, _, body = raw.partition(b"\n\n")
    lines = head.decode().splitlines()
    method, target, *_ = lines[0].split(" ")
    path, _, query = target.partition("?")
    headers = [line.split(":", 1) for line in lines[1:]]
    return RawRequest(
        method=method,
        path=path,
        query=query.encode(),
        headers=tuple((name.strip().lower(), value.strip()) for name, value in headers),
        body=body.removesuffix(b"\n"),
        received_at=received_at,
    )


def make_deliveries(count: int, owed_at: Instant, *, attempt: int = 1) -> list[Delivery]:
    """Deliveries of invented leads, the same for the same arguments but for their attempt."""
    return [
        Delivery(
            key=f"dlv_{number}",
            type="lead.created",
            lead_id=f"lead_{number}",
            version=1,
            owed_at=owed_at,
            data=msgspec.Raw(msgspec.json.encode({"id": f"lead_{number}", "version": 1, "full_name": "प्रिया Núñez"})),
            attempt=attempt,
            uncertain=attempt > 1,
        )
        for number in range(count)
    ]


class ConnectorContract:
    """What every connector brings, source or destination."""

    def test_its_type_is_its_folder(self, subject: Subject) -> None:
        assert subject.connector.type_name == subject.folder.name

    def test_it_is_a_source_or_a_destination(self, subject: Subject) -> None:
        assert subject.connector.source is not None or subject.connector.destination is not None

    def test_every_setting_has_a_label_and_help(self, subject: Subject) -> None:
        mute = [name for name, title, described in _described(subject.connector.settings) if not (title and described)]
        assert not mute, f"settings without label or help: {mute}"

    def test_unknown_settings_are_refused(self, subject: Subject) -> None:
        given = {**subject.index.settings, "no_such_setting": 1}
        try:
            msgspec.convert(given, subject.connector.settings, dec_hook=decode_setting)
        except msgspec.ValidationError:
            return
        raise AssertionError("the settings take a key that they do not have")

    def test_settings_never_show_their_secrets(self, subject: Subject) -> None:
        shown = repr(subject.settings())
        secrets = [text for text in _texts(subject.index.settings, _secret_names(subject.connector.settings)) if text]
        assert not [text for text in secrets if text in shown]

    def test_setup_says_how_to_set_it_up(self, subject: Subject) -> None:
        text = (subject.folder / "setup.md").read_text(encoding="utf-8")
        assert f'type = "{subject.connector.type_name}"' in text
        missing = [name for name, _, _ in _described(subject.connector.settings) if f"`{name}`" not in text]
        assert not missing, f"setup.md does not explain {missing}"


class PushContract:
    """What every push source does; a connector that is none passes for lack of anything to break."""

    def test_good_samples_are_accepted(self, subject: Subject) -> None:
        source = subject.source()
        if source is None:
            return
        assert subject.index.accepted, "a push source has samples that are accepted"
        for name in subject.index.accepted:
            source.verify(subject.sample(name))

    def test_bad_samples_are_refused(self, subject: Subject) -> None:
        source = subject.source()
        if source is None:
            return
        assert subject.index.refused, "a push source has samples that are refused"
        for name in subject.index.refused:
            assert _is_refused(source, subject.sample(name)), f"{name} was accepted"

    def test_nothing_is_accepted_without_its_proof(self, subject: Subject) -> None:
        source = subject.source()
        for name in subject.index.accepted if source is not None else ():
            bare = msgspec.structs.replace(subject.sample(name), headers=(), query=b"")
            assert source is None or _is_refused(source, bare), f"{name} was accepted without headers and query"

    def test_every_accepted_sample_holds_something(self, subject: Subject) -> None:
        for name, parsed in _parsed(subject):
            assert parsed, f"nothing was parsed out of {name}"
            assert not [each for each in parsed if isinstance(each, Unreadable)], f"{name} is not readable"

    def test_parsing_again_gives_the_same(self, subject: Subject) -> None:
        first = [parsed for _, parsed in _parsed(subject)]
        again = [parsed for _, parsed in _parsed(subject)]
        assert first == again

    def test_every_record_has_an_id(self, subject: Subject) -> None:
        for name, parsed in _parsed(subject):
            ids = [each.native_id for each in parsed if isinstance(each, Record | Pointer)]
            assert all(0 < len(native_id) <= NATIVE_ID_CHARACTERS_MAX for native_id in ids), f"an id in {name}"

    def test_hostile_bodies_raise_nothing_but_typed_errors(self, subject: Subject) -> None:
        source = subject.source()
        for name in subject.index.accepted if source is not None else ():
            for body in HOSTILE_BODIES:
                request = msgspec.structs.replace(subject.sample(name), body=body)
                assert source is not None
                _is_refused(source, request)
                try:
                    parsed = list(source.parse(request))
                except PayloadInvalid:
                    continue
                assert all(isinstance(each, Record | Pointer | Ignored | Unreadable) for each in parsed)


class DestinationContract:
    """What every destination does; a connector that is none passes for lack of anything to break."""

    def test_each_delivery_gets_a_receipt_in_order(self, subject: Subject) -> None:
        receipts = _deliver(subject, _delivered(subject), count=_batch_of(subject))
        assert all(isinstance(receipt, Delivered) for receipt in receipts)

    def test_an_empty_batch_is_no_work(self, subject: Subject) -> None:
        http = FixedHttp(_delivered(subject))
        assert _deliver(subject, http, count=0) == []
        assert http.requests == []

    def test_nothing_sent_is_tried_again(self, subject: Subject) -> None:
        receipts = _deliver(subject, NotSent(), count=1)
        assert all(isinstance(receipt, Retryable) for receipt in receipts)

    def test_a_lost_reply_is_an_unknown_outcome(self, subject: Subject) -> None:
        receipts = _deliver(subject, ReplyLost(), count=1)
        assert all(isinstance(receipt, OutcomeUnknown) for receipt in receipts)

    def test_a_server_fault_is_never_taken_for_delivered(self, subject: Subject) -> None:
        receipts = _deliver(subject, HttpAnswer(status=503, headers={}, body=b"{}"), count=1)
        assert all(isinstance(receipt, DestinationError) for receipt in receipts)

    def test_every_attempt_sends_the_same_bytes(self, subject: Subject) -> None:
        bodies = []
        for attempt in (1, 2):
            http = FixedHttp(_delivered(subject))
            _deliver(subject, http, count=1, attempt=attempt)
            bodies.append([request.body for request in http.requests])
        assert bodies[0] == bodies[1]


def _delivered(subject: Subject) -> HttpAnswer:
    answer = subject.index.delivered
    return HttpAnswer(status=answer.status, headers=answer.headers, body=answer.body.encode())


def _batch_of(subject: Subject) -> int:
    destination = subject.destination(FixedHttp(NotSent()))
    return min(int(getattr(destination, "batch_max", 1)), 3)


def _deliver(
    subject: Subject, outcome: FixedHttp | HttpAnswer | HttpFailed, *, count: int, attempt: int = 1
) -> list[Receipt]:
    """The receipts, one per delivery; a failure of the whole batch counts for each. Empty where there is no destination."""
    http = outcome if isinstance(outcome, FixedHttp) else FixedHttp(outcome)
    destination = subject.destination(http)
    if destination is None:
        return []
    batch = make_deliveries(count, subject.received_at - 90 * SECOND, attempt=attempt)
    receipts: Sequence[Receipt]
    try:
        receipts = asyncio.run(_awaited(destination, batch))
    except DestinationError as error:
        receipts = [error] * count
    except NotSent:
        receipts = [Retryable()] * count
    except HttpFailed:
        receipts = [OutcomeUnknown()] * count
    assert len(receipts) == count
    return list(receipts)


async def _awaited(destination: Destination, batch: Sequence[Delivery]) -> Sequence[Receipt]:
    return await destination.deliver(batch)


def _is_refused(source: PushSource, request: RawRequest) -> bool:
    try:
        source.verify(request)
    except SignatureInvalid:
        return True
    return False


def _parsed(subject: Subject) -> Iterator[tuple[str, list[Parsed]]]:
    source = subject.source()
    if source is not None:
        for name in subject.index.accepted:
            yield name, list(source.parse(subject.sample(name)))


def _described(settings: type[Any]) -> list[tuple[str, str, str]]:
    described = []
    for field in msgspec.structs.fields(settings):
        schema = msgspec.json.schema(field.type, schema_hook=lambda _: {"type": "string"})
        described.append((field.encode_name, str(schema.get("title", "")), str(schema.get("description", ""))))
    return described


def _secret_names(settings: type[Any]) -> set[str]:
    """The names of all settings, nested ones too, that are marked writeOnly."""
    found: set[str] = set()

    def walk(schema: Any, name: str, definitions: dict[str, Any]) -> None:
        if isinstance(schema, dict):
            if schema.get("writeOnly"):
                found.add(name)
            for key, value in schema.get("properties", {}).items():
                walk(value, key, definitions)
            for key in ("items", "additionalProperties"):
                walk(schema.get(key), name, definitions)
            for each in schema.get("anyOf", []):
                walk(each, name, definitions)
            if "$ref" in schema:
                walk(definitions[schema["$ref"].rpartition("/")[2]], name, definitions)

    for field in msgspec.structs.fields(settings):
        schema = msgspec.json.schema(field.type, schema_hook=lambda _: {"type": "string"})
        walk(schema, field.encode_name, schema.get("$defs", {}))
    return found


def _texts(value: Any, names: set[str], *, is_secret: bool = False) -> list[str]:
    if isinstance(value, str):
        return [value] if is_secret else []
    if isinstance(value, list):
        return [text for each in value for text in _texts(each, names, is_secret=is_secret)]
    if isinstance(value, dict):
        return [
            text for key, each in value.items() for text in _texts(each, names, is_secret=is_secret or key in names)
        ]
    return []
