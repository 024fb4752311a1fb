"""A lead as the Graph API shows it, read into a record (developers.facebook.com, Retrieving Leads)."""

from collections.abc import Mapping
from typing import Any

from leadwire.connectors.meta_lead_ads.notice import read_id
from leadwire.sdk import Attribution, Instant, Record, read_instant, text_of

_STANDARD = {
    "full_name": "full_name",
    "first_name": "first_name",
    "last_name": "last_name",
    "email": "email",
    "phone_number": "phone",
    "city": "city",
    "country": "country",
    "company_name": "company",
}
_SECOND_CHOICE = {"email": "work_email", "phone": "work_phone_number"}
_DUMMY_TEXT = "<test lead: dummy data for"
_DUMMY_EMAIL = "test@meta.com"
_EXPORT_PREFIX = "p:"


def lead_record(
    lead: Mapping[str, Any], *, native_id: str, context: Mapping[str, str], occurred_at: Instant | None = None
) -> Record:
    """The record of a lead. `context` and `occurred_at` are what the webhook said; the lead's own words win.

    A standard question fills its field with the first value; all its values stay in `answers` where there are several.
    Consent boxes stand in `answers` as `consent:<key>` with "1" or "".
    """
    answers = _answers(lead.get("field_data"))
    standard: dict[str, str | None] = {}
    questions: dict[str, list[str]] = {}
    for name, values in answers.items():
        field = _STANDARD.get(name.strip().lower())
        if field is None or standard.get(field) is not None:
            questions[name] = values
            continue
        standard[field] = next((value for value in values if value), None)
        if len(values) > 1:
            questions[name] = values
    for field, name in _SECOND_CHOICE.items():
        if standard.get(field) is None:
            standard[field] = next(iter(answers.get(name, [])), None)
    phone = standard.get("phone")
    return Record(
        native_id=native_id,
        kind="form",
        occurred_at=read_instant(lead.get("created_time")) or occurred_at,
        full_name=standard.get("full_name"),
        first_name=standard.get("first_name"),
        last_name=standard.get("last_name"),
        email=standard.get("email"),
        phone=phone.removeprefix(_EXPORT_PREFIX).strip() if phone else None,
        city=standard.get("city"),
        country=standard.get("country"),
        company=standard.get("company"),
        answers=questions | _consents(lead.get("custom_disclaimer_responses")),
        attribution=_attribution(lead, context),
        is_test=_is_dummy(answers),
    )


def _answers(field_data: object) -> dict[str, list[str]]:
    answers: dict[str, list[str]] = {}
    for item in field_data if isinstance(field_data, list) else ():
        if not isinstance(item, dict) or not isinstance(item.get("name"), str):
            continue
        values = item.get("values")
        listed = values if isinstance(values, list) else [values]
        answers.setdefault(item["name"], []).extend(
            text for value in listed if (text := _answer_text(value)) is not None
        )
    return answers


def _answer_text(value: object) -> str | None:
    return value if isinstance(value, str) else text_of(value)


def _consents(responses: object) -> dict[str, list[str]]:
    consents = {}
    for response in responses if isinstance(responses, list) else ():
        key = text_of(response.get("checkbox_key")) if isinstance(response, dict) else None
        if key is not None:
            is_checked = text_of(response.get("is_checked")) in {"1", "true"}
            consents[f"consent:{key}"] = ["1" if is_checked else ""]
    return consents


def _attribution(lead: Mapping[str, Any], context: Mapping[str, str]) -> Attribution:
    organic = text_of(lead.get("is_organic"))
    return Attribution(
        platform=text_of(lead.get("platform")),
        campaign_id=read_id(lead.get("campaign_id")),
        campaign_name=text_of(lead.get("campaign_name")),
        adset_id=read_id(lead.get("adset_id")),
        adset_name=text_of(lead.get("adset_name")),
        ad_id=read_id(lead.get("ad_id")) or context.get("ad_id") or context.get("adgroup_id"),
        ad_name=text_of(lead.get("ad_name")),
        form_id=read_id(lead.get("form_id")) or context.get("form_id"),
        page_id=context.get("page_id"),
        organic=None if organic is None else organic.lower() in {"true", "1"},
    )


def _is_dummy(answers: Mapping[str, list[str]]) -> bool:
    return any(
        value.startswith(_DUMMY_TEXT) or value.strip().lower() == _DUMMY_EMAIL
        for values in answers.values()
        for value in values
    )
