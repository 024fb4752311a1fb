"""docs/lead-document.md names every field of the lead document, and no other."""

import re
from typing import Any, get_args

from house.repository import page, sections, words_in_code
from leadwire.model.record import Attribution, Call, Record, RecordKind, StoredRecord, Via
from leadwire.rules.merge import document

ROW = re.compile(r"^\| (`[^|]+`) \| [^|]+ \|$", re.MULTILINE)
RECORD = Record(
    native_id="1",
    kind="call",
    attribution=Attribution(
        platform="fb",
        campaign_id="1",
        campaign_name="a",
        adset_id="2",
        adset_name="b",
        ad_id="3",
        ad_name="c",
        form_id="4",
        form_name="d",
        page_id="5",
        organic=False,
    ),
    call=Call(),
)


def _lead() -> dict[str, Any]:
    stored = StoredRecord(
        sequence=1, source="s", lead_id="l", via="webhook", received_at=0, stored_at=0, content=RECORD, fingerprint=""
    )
    return document("l", 1, [stored], now=0, region=None)


def _fields(title: str) -> set[str]:
    rows = ROW.findall(sections(page("docs/lead-document.md"))[title])
    return {name for row in rows for name in re.findall(r"`(\w+)`", row)}


def test_every_field_of_the_document_is_explained() -> None:
    assert _fields("The lead document") == set(_lead())


def test_every_field_of_an_attribution_is_explained() -> None:
    assert set(_lead()["attribution"]) == set(Attribution.__struct_fields__), "this test's record leaves one out"
    assert _fields("`attribution`") == set(_lead()["attribution"])


def test_every_field_of_a_call_is_explained() -> None:
    assert _fields("`call`") == set(_lead()["call"])


def test_every_field_of_a_record_is_explained() -> None:
    assert _fields("`records`") == set(_lead()["records"][0])


def test_every_kind_and_way_of_a_record_is_named() -> None:
    words = words_in_code(page("docs/lead-document.md"))
    assert {*get_args(RecordKind), *get_args(Via)} <= words
