"""A lead of the Graph API becomes a record."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from leadwire.connectors import meta_lead_ads
from leadwire.connectors.meta_lead_ads.lead import lead_record
from leadwire.sdk import Attribution, Record

SAMPLE: dict[str, Any] = msgspec.json.decode((Path(meta_lead_ads.__path__[0]) / "samples" / "lead.json").read_bytes())


def record(field_data: object = (), **more: object) -> Record:
    lead = {"id": "7", "field_data": list(field_data) if isinstance(field_data, tuple) else field_data, **more}
    return lead_record(lead, native_id="7", context={"page_id": "1", "form_id": "2", "adgroup_id": "3"}, occurred_at=5)


def answer(name: str, *values: object) -> dict[str, object]:
    return {"name": name, "values": list(values)}


def test_the_sample_lead_is_read_whole() -> None:
    read = lead_record(SAMPLE, native_id="233370042045345", context={"page_id": "138124712925158"})
    assert read == Record(
        native_id="233370042045345",
        kind="form",
        occurred_at=1_425_113_354_000_000,
        full_name="Joe Example",
        email="joe@example.com",
        phone="+919829123199",
        answers={
            "car_make": ["Honda", "Tata"],
            "quando_você_pretende_resolver_isso?": [],
            "consent:optional_1": ["1"],
            "consent:optional_2": [""],
        },
        attribution=Attribution(
            platform="ig",
            campaign_id="6011",
            campaign_name="Test drives",
            adset_id="6012",
            adset_name="Pune",
            ad_id="12312312312",
            ad_name="Spring",
            form_id="172036835026334",
            page_id="138124712925158",
            organic=False,
        ),
    )


def test_standard_questions_fill_fields_and_all_others_are_answers() -> None:
    read = record((answer("company_name", "Own shop"), answer("Email", "a@example.com"), answer("zip_code", "411001")))
    assert (read.company, read.email, read.answers) == ("Own shop", "a@example.com", {"zip_code": ["411001"]})


def test_several_values_of_a_standard_question_are_all_kept() -> None:
    read = record((answer("email", "a@example.com", "b@example.com"),))
    assert (read.email, read.answers) == ("a@example.com", {"email": ["a@example.com", "b@example.com"]})


def test_a_question_asked_twice_keeps_the_values_of_both() -> None:
    assert record((answer("q", "1"), answer("q", "2"))).answers == {"q": ["1", "2"]}


def test_empty_and_odd_values_do_no_harm() -> None:
    read = record((answer("email"), answer("n", 7, True, None, {"x": 1}), {"name": 7}, 7, {"name": "v", "values": "x"}))
    assert (read.email, read.answers) == (None, {"n": ["7", "true"], "v": ["x"]})


@pytest.mark.parametrize("field_data", [None, 7, {}, "x"])
def test_no_answers_at_all_still_make_a_record(field_data: object) -> None:
    assert record(field_data).native_id == "7"


def test_a_work_address_stands_in_where_no_other_was_asked_for() -> None:
    read = record((answer("work_email", "w@example.com"), answer("work_phone_number", "p:+911")))
    assert (read.email, read.phone, read.answers["work_email"]) == ("w@example.com", "+911", ["w@example.com"])


def test_the_webhook_fills_in_what_the_answer_lacks() -> None:
    read = record()
    assert (read.occurred_at, read.attribution) == (5, Attribution(ad_id="3", form_id="2", page_id="1"))


def test_numbers_as_ids_become_text() -> None:
    assert record((), campaign_id=6011, is_organic="true").attribution.campaign_id == "6011"
    assert record((), is_organic="true").attribution.organic is True


@pytest.mark.parametrize(
    ("given", "is_test"),
    [
        (answer("full_name", "<test lead: dummy data for full_name>"), True),
        (answer("email", "test@meta.com"), True),
        (answer("email", "tester@meta.com"), False),
        (answer("full_name", "Test Lead"), False),
    ],
)
def test_metas_dummy_data_marks_a_test_lead(given: dict[str, object], is_test: bool) -> None:
    assert record((given,)).is_test is is_test
