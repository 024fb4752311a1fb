"""Whatever bytes a push brings, it can be stored, and comes back as it was."""

from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leadwire.model.event import NewEvent, RawRequest
from leadwire.ports.desk import DeskQuery
from leadwire.ports.lead_book import LeadQuery
from leadwire.store.sqlite.event_log import _decode_head, _encode_head
from leadwire.store.sqlite.searching import match_query
from leadwire.testing.ledger_contract.samples import START, a_lead, an_event, lead_absorption

HOSTILE = ["\0", "a\0b", "\ud800", "\udcff", "'; DROP TABLE events; --", "\u202e", "\ufeff", "é" * 500, "\x7f\x1f"]


def _request(text: str, raw: bytes) -> RawRequest:
    headers = (("x-note", text), ("x-note", "twice"), (text, ""))
    return RawRequest(method="POST", path=f"/{text}", query=raw, headers=headers, body=raw, received_at=START)


@pytest.mark.parametrize("text", HOSTILE)
async def test_any_text_and_bytes_of_a_push_come_back(ledger: Any, text: str) -> None:
    raw = bytes(range(256)) + text.encode("utf-8", "surrogatepass") + b"\0\xff"
    requests = [_request(text, raw), _request("", b""), _request("plain", raw[::-1])]
    events = [NewEvent(source="site", dedup_key=bytes([place] * 16), request=one) for place, one in enumerate(requests)]
    await ledger.events.append(events, START)
    assert [event.request for event in await ledger.events.unresolved(10)] == requests
    found = await ledger.events.find(1)
    assert found is not None
    assert found.request == requests[0]


@given(method=st.text(), path=st.text(), headers=st.lists(st.tuples(st.text(), st.text())))
@settings(suppress_health_check=list(HealthCheck), deadline=None)
def test_any_head_comes_back(method: str, path: str, headers: list[tuple[str, str]]) -> None:
    request = RawRequest(method=method, path=path, query=b"", headers=tuple(headers), body=b"", received_at=START)
    assert _decode_head(_encode_head(request)) == (method, path, tuple(headers))


async def test_a_large_body_between_small_ones_comes_back(ledger: Any) -> None:
    bodies = [b"", b"a" * 2_000_000, b"\0", b"{}"]
    await ledger.events.append([an_event(key, body=body) for key, body in enumerate(bodies)], START)
    assert [event.request.body for event in await ledger.events.unresolved(10)] == bodies


async def test_a_burst_of_large_bodies_comes_in_bounded_portions(ledger: Any) -> None:
    for key in range(5):
        await ledger.events.append([an_event(key, body=bytes(6_000_000))], START)
    assert [event.sequence for event in await ledger.events.unresolved(10)] == [1, 2, 3]
    assert [event.sequence for event in await ledger.events.unresolved(2)] == [1, 2]


async def test_numbers_and_nesting_of_a_document_stay_as_they_are(ledger: Any) -> None:
    deep = b"[" * 900 + b"]" * 900
    document = b'{"big":123456789012345678901234567890,"float":1.0,"e":1e5,"deep":' + deep + b',"nul":"a\\u0000b"}'
    absorption = lead_absorption("a")
    change = msgspec.structs.replace(absorption.leads[0], lead=a_lead("a", document=msgspec.Raw(document)))
    await ledger.leads.absorb(msgspec.structs.replace(absorption, leads=[change]), START)
    stored = await ledger.leads.lead("a")
    assert stored is not None
    assert bytes(stored.document) == document


@pytest.mark.parametrize(
    "text", ['"', "a OR b", "NEAR(a b)", "a*", "-a", "^a", "words:a", "(", "\0", "\ud800", "AND", "{a b}"]
)
async def test_nothing_typed_is_query_syntax(ledger: Any, text: str) -> None:
    await ledger.leads.absorb(lead_absorption("a", search="asha rao"), START)
    assert isinstance(await ledger.leads.page(LeadQuery(text=text)), list)
    assert isinstance(await ledger.desk.page(DeskQuery(text=text)), list)


def test_a_query_asks_for_the_beginnings_of_words() -> None:
    assert match_query('Ash "rao') == '"ash"* AND "rao"*'
    assert match_query(" - ") is None
