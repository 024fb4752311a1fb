"""A lead as the pages show it: links only where they are safe, and words for everything else."""

from typing import Any

import msgspec
import pytest

from leadwire.model.lead import DeskEntry, Lead
from leadwire.web.pages.lead_view import (
    Fact,
    answer_facts,
    column_facts,
    email_href,
    part_facts,
    person_facts,
    phone_href,
    phone_words,
    view_of,
    web_href,
)


@pytest.mark.parametrize(
    ("phone", "href"),
    [
        ("+919812345678", "tel:+919812345678"),
        ("098 1234-5678", "tel:09812345678"),
        ("(080) 4123.4567", "tel:08041234567"),
        ("javascript:alert(1)", None),
        ("+91;ext=1", None),
        ("12", None),
        ("call me", None),
        ("", None),
        (None, None),
        ("9" * 21, None),
    ],
)
def test_a_phone_link_holds_digits_only(phone: str | None, href: str | None) -> None:
    assert phone_href(phone) == href


@pytest.mark.parametrize(
    ("email", "href"),
    [
        ("asha@example.in", "mailto:asha@example.in"),
        ("a+b@example.in", "mailto:a%2Bb@example.in"),
        ("a?subject=x@example.in", "mailto:a%3Fsubject%3Dx@example.in"),
        ("a@b?bcc=evil@example.com", None),
        ("a@example.in\nbcc: x", None),
        ("javascript:alert(1)", None),
        (None, None),
    ],
)
def test_an_email_link_holds_a_plain_address_only(email: str | None, href: str | None) -> None:
    assert email_href(email) == href


@pytest.mark.parametrize(
    ("url", "is_linked"),
    [
        ("https://recordings.example.com/a.mp3?x=1", True),
        ("http://example.com", True),
        ("HTTPS://example.com/", True),
        ("javascript:alert(1)", False),
        ("JaVaScRiPt:alert(1)", False),
        (" https://example.com", False),
        ("java\nscript:alert(1)", False),
        ("data:text/html,<script>", False),
        ("//example.com", False),
        ("https:example.com", False),
        ("https://user@example.com", False),
        ('https://example.com/"onclick=', False),
        ("https://[", False),
        ("ftp://example.com", False),
        (None, False),
    ],
)
def test_a_web_link_is_http_or_https(url: str | None, is_linked: bool) -> None:
    assert web_href(url) == (url if is_linked else None)


@pytest.mark.parametrize(
    ("phone", "words"),
    [
        ("+919812345678", "+91 98123 45678"),
        ("+12", "+12"),
        ("+99999999999", "+99999999999"),
        ("98123", "98123"),
        (None, None),
    ],
)
def test_a_number_is_shown_in_groups_where_it_is_one(phone: str | None, words: str | None) -> None:
    assert phone_words(phone) == words


def _view(**document: Any) -> Any:
    lead = Lead(
        id="01",
        version=1,
        created_at=0,
        updated_at=0,
        received_at=0,
        document=msgspec.Raw(msgspec.json.encode(document)),
    )
    return view_of(DeskEntry(lead=lead))


def test_a_lead_without_a_name_is_called_by_what_is_known() -> None:
    assert _view(company="Acme", phone="+919812345678").name == "Acme"
    assert _view(phone="+919812345678", email="a@b.in").name == "+91 98123 45678"
    assert _view(email="a@b.in").name == "a@b.in"
    assert _view().name == "Unnamed lead"


def test_a_missed_call_is_called_so() -> None:
    records = [{"source": "knowlarity", "kind": "call"}]
    assert _view(records=records, call={"answered": False}).kind == "Missed call"
    assert _view(records=records, call={"answered": False}).is_missed
    assert _view(records=records, call={"answered": True}).kind == "Call"
    assert _view(records=records, call={"direction": "outbound"}).kind == "Outbound call"


def test_the_row_sums_up_the_first_answers_with_all_their_values() -> None:
    answers = {"what_is_your_budget?": ["50", "70"], "empty": [], "when": ["now"], "fourth": ["unseen"]}
    assert _view(answers=answers).summary == "What is your budget: 50, 70 · When: now"


@pytest.mark.parametrize("odd", [None, 7, "text", [], {"a": 1}, [None, 3]])
def test_a_document_of_any_shape_is_shown(odd: Any) -> None:
    """A table source keeps its columns at the top level, whatever they hold."""
    known = dict.fromkeys(("records", "answers", "attribution", "call", "activity", "phone", "full_name", "extra"), odd)
    assert _view(**known).id == "01"
    person_facts(known)
    answer_facts(known)
    column_facts(known)
    part_facts(known, "activity")


def test_columns_of_a_table_row_are_facts_and_standard_fields_are_not_repeated() -> None:
    known = {
        "id": "01",
        "phone": "1",
        "visits": 7,
        "is_member": True,
        "tags": ["a", "b"],
        "site": "https://example.com",
    }
    assert column_facts(known) == [
        Fact("Visits", ["7"]),
        Fact("Is member", ["yes"]),
        Fact("Tags", ["a", "b"]),
        Fact("Site", ["https://example.com"], "https://example.com"),
    ]
