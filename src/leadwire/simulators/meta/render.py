"""Leads, forms and pages as the Graph API shows them, field by field."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from leadwire.model.times import Instant, to_datetime
from leadwire.simulators.meta.book import Form, Page, Question, SimLead
from leadwire.simulators.meta.refusal import ads_permission_missing, no_such_field

ADS_FIELDS = frozenset({"ad_id", "ad_name", "adset_id", "adset_name", "campaign_id", "campaign_name"})
LEAD_FIELDS = ADS_FIELDS | {
    "id",
    "created_time",
    "field_data",
    "form_id",
    "is_organic",
    "platform",
    "custom_disclaimer_responses",
    "partner_name",
    "post",
    "retailer_item_id",
    "vehicle",
    "home_listing",
}
_FORM_FIELDS: dict[str, Callable[[Form, Page, int], Any]] = {
    "id": lambda form, _page, _count: form.id,
    "name": lambda form, _page, _count: form.name,
    "status": lambda form, _page, _count: form.status,
    "locale": lambda form, _page, _count: form.locale,
    "created_time": lambda form, _page, _count: graph_time(form.created_at),
    "leads_count": lambda _form, _page, count: count,
    "organic_leads_count": lambda _form, _page, count: count,
    "questions": lambda form, _page, _count: [_question(form.id, question) for question in form.questions],
    "page": lambda _form, page, _count: {"id": page.id, "name": page.name},
    "page_id": lambda _form, page, _count: page.id,
}


def graph_time(instant: Instant) -> str:
    """Whole seconds with an offset that has no colon: 2015-02-28T08:49:14+0000."""
    return to_datetime(instant).strftime("%Y-%m-%dT%H:%M:%S+0000")


def asked_fields(params: Mapping[str, str], default: Sequence[str]) -> list[str]:
    """The fields asked for, in their order."""
    text = params.get("fields", "")
    return [name.strip() for name in text.split(",") if name.strip()] or list(default)


def render_lead(lead: SimLead, fields: Sequence[str], ads_access: Literal["fail", "vanish"] | None) -> dict[str, Any]:
    """A lead with the fields asked for and always its id; ad fields are absent for organic leads."""
    shown: dict[str, Any] = {}
    for name in fields:
        if name not in LEAD_FIELDS:
            raise no_such_field(name, "LeadGenData")
        if name in ADS_FIELDS:
            if ads_access == "fail":
                raise ads_permission_missing(name)
            if ads_access is None and lead.origin.ad is not None:
                shown[name] = getattr(lead.origin.ad, name)
        else:
            shown.update(_lead_field(lead, name))
    shown["id"] = lead.id
    return shown


def _lead_field(lead: SimLead, name: str) -> dict[str, Any]:
    match name:
        case "created_time":
            return {name: graph_time(lead.created_at)}
        case "field_data":
            return {name: [{"name": key, "values": list(values)} for key, values in lead.answers]}
        case "form_id":
            return {name: lead.form_id}
        case "is_organic":
            return {name: lead.origin.ad is None}
        case "platform":
            return {name: lead.origin.platform}
        case "custom_disclaimer_responses" if lead.origin.consents:
            ticks = lead.origin.consents.items()
            return {name: [{"checkbox_key": key, "is_checked": "1" if ticked else ""} for key, ticked in ticks]}
        case _:
            return {}


def render_form(form: Form, page: Page, leads_count: int, fields: Sequence[str]) -> dict[str, Any]:
    """A form with the fields asked for and always its id."""
    shown = {}
    for name in fields:
        if name not in _FORM_FIELDS:
            raise no_such_field(name, "LeadgenForm")
        shown[name] = _FORM_FIELDS[name](form, page, leads_count)
    shown["id"] = form.id
    return shown


def render_page(page: Page, fields: Sequence[str]) -> dict[str, Any]:
    """A page with the fields asked for and always its id; the token only on request."""
    known = {
        "id": page.id,
        "name": page.name,
        "access_token": page.access_token,
        "category": "Example",
        "tasks": ["ADVERTISE"],
    }
    for name in fields:
        if name not in known:
            raise no_such_field(name, "Page")
    return {name: known[name] for name in fields} | {"id": page.id}


def _question(form_id: str, question: Question) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "key": question.key,
        "label": question.label or question.key,
        "type": question.type,
        "id": f"{form_id}{sum(question.key.encode()) % 1000:03d}",
    }
    if question.options:
        shown["options"] = [{"key": option.lower().replace(" ", "_"), "value": option} for option in question.options]
    return shown
