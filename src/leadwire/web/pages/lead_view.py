"""A lead as the pages show it. Every value comes from strangers: it is only ever text, and links are made from checked parts."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote, urlsplit

import msgspec
import phonenumbers

from leadwire.model.lead import DeskEntry, DeskState, Lead
from leadwire.model.times import Instant

_PHONE: Final = re.compile(r"\+?[0-9]{3,20}")
_PHONE_FILLER: Final = re.compile(r"[\s().\-/]")
_EMAIL: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,255}")
_STANDARD: Final = frozenset(
    {
        "id",
        "version",
        "created_at",
        "updated_at",
        "is_test",
        "full_name",
        "first_name",
        "last_name",
        "email",
        "phone",
        "city",
        "country",
        "company",
        "answers",
        "attribution",
        "call",
        "activity",
        "records",
    }
)
_KINDS: Final = {"form": "Form", "call": "Call", "row": "Table row", "visit": "Visit"}
_MISSED: Final = "Missed call"
_LABELS: Final = {"recording_url": "Recording", "duration_s": "Duration in seconds"}
_TEXT_MAX: Final = 2_000
_VALUES_MAX: Final = 200


class Fact(msgspec.Struct, frozen=True):
    """A label with its values; `href` is a checked link for the first of them."""

    label: str
    values: Sequence[str]
    href: str | None = None


class LeadView(msgspec.Struct, frozen=True, kw_only=True):
    """What a row and a page need of a lead."""

    id: str
    name: str
    phone: str | None
    phone_href: str | None
    email: str | None
    email_href: str | None
    place: str
    source: str
    kind: str
    is_missed: bool
    campaign: str
    summary: str
    enquiries: int
    is_test: bool
    received_at: Instant
    state: DeskState
    claimed_by: str | None
    claimed_at: Instant | None
    opened_at: Instant | None
    first_touch_at: Instant | None


def view_of(entry: DeskEntry) -> LeadView:
    """The row's view of a desk entry."""
    lead = entry.lead
    known = document_of(lead)
    records = [line for line in _list(known.get("records")) if isinstance(line, dict)]
    newest = records[-1] if records else {}
    phone, email = _text(known.get("phone")), _text(known.get("email"))
    kind = _kind(newest, known)
    return LeadView(
        id=lead.id,
        name=_text(known.get("full_name"))
        or _text(known.get("company"))
        or phone_words(phone)
        or email
        or "Unnamed lead",
        phone=phone_words(phone),
        phone_href=phone_href(phone),
        email=email,
        email_href=email_href(email),
        place=", ".join(part for part in (_text(known.get("company")), _text(known.get("city"))) if part),
        source=_text(newest.get("source")) or "",
        kind=kind,
        is_missed=kind == _MISSED,
        campaign=_text(_dict(known.get("attribution")).get("campaign_name")) or "",
        summary=_summary(_dict(known.get("answers"))),
        enquiries=len(records),
        is_test=known.get("is_test") is True,
        received_at=lead.received_at,
        state=entry.state,
        claimed_by=entry.claimed_by,
        claimed_at=entry.claimed_at,
        opened_at=entry.opened_at,
        first_touch_at=entry.first_touch_at,
    )


def document_of(lead: Lead) -> dict[str, Any]:
    """The lead document as values."""
    return msgspec.json.decode(lead.document, type=dict[str, Any])


def person_facts(known: Mapping[str, Any]) -> list[Fact]:
    """Who it is."""
    facts = []
    for name in ("full_name", "first_name", "last_name", "company", "phone", "email", "city", "country"):
        if value := _text(known.get(name)):
            href = {"phone": phone_href, "email": email_href}.get(name, _no_href)(value)
            facts.append(Fact(_label(name), [phone_words(value) or value if name == "phone" else value], href))
    return facts


def answer_facts(known: Mapping[str, Any]) -> list[Fact]:
    """What they were asked and said, with all values."""
    return [
        Fact(_label(question), [text for value in _list(values)[:_VALUES_MAX] if (text := _text(value))] or ["–"])
        for question, values in list(_dict(known.get("answers")).items())[:_VALUES_MAX]
    ]


def part_facts(known: Mapping[str, Any], part: str) -> list[Fact]:
    """The facts of "attribution", "call" or "activity"."""
    return [_fact(name, value) for name, value in _dict(known.get(part)).items() if value is not None][:_VALUES_MAX]


def column_facts(known: Mapping[str, Any]) -> list[Fact]:
    """A table row's own columns."""
    named = [(name, value) for name, value in known.items() if name not in _STANDARD and value is not None]
    return [_fact(name, value) for name, value in named[:_VALUES_MAX]]


def phone_href(phone: str | None) -> str | None:
    """A tel: link; None for what is no phone number."""
    digits = _PHONE_FILLER.sub("", phone or "")
    return f"tel:{digits}" if _PHONE.fullmatch(digits) else None


def phone_words(phone: str | None) -> str | None:
    """An international number in groups, as people read it; anything else as it is."""
    if phone is None or not phone.startswith("+") or not _PHONE.fullmatch(phone):
        return phone
    try:
        number = phonenumbers.parse(phone)
    except phonenumbers.NumberParseException:
        return phone
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def email_href(email: str | None) -> str | None:
    """A mailto: link; None for what is no plain address."""
    return f"mailto:{quote(email, safe='@')}" if email and _EMAIL.fullmatch(email) else None


def web_href(url: str | None) -> str | None:
    """An http or https link; None for every other scheme, and for what only looks like one."""
    if not url or not url.isprintable() or any(mark in url for mark in " \\\"'<>`"):
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return url if parts.scheme in ("http", "https") and parts.netloc and "@" not in parts.netloc else None


def _no_href(_: str) -> None:
    return None


def _fact(name: str, value: Any) -> Fact:
    values = [text for one in (value if isinstance(value, list) else [value]) if (text := _text(one))]
    href = web_href(values[0]) if len(values) == 1 else None
    return Fact(_label(name), values[:_VALUES_MAX] or ["–"], href)


def _kind(newest: Mapping[str, Any], known: Mapping[str, Any]) -> str:
    kind = _KINDS.get(str(newest.get("kind")), "Lead")
    call = _dict(known.get("call"))
    if kind == "Call":
        if call.get("answered") is False:
            return _MISSED
        if call.get("direction") == "outbound":
            return "Outbound call"
    return kind


def _summary(answers: Mapping[str, Any]) -> str:
    parts = []
    for question, values in list(answers.items())[:3]:
        said = ", ".join(text for value in _list(values)[:3] if (text := _text(value)))
        if said:
            parts.append(f"{_label(question).rstrip('?: ')}: {said}")
    return " · ".join(parts)[:300]


def _label(name: str) -> str:
    if name in _LABELS:
        return _LABELS[name]
    words = name.replace("_", " ").strip()[:200]
    return f"{words[:1].upper()}{words[1:]}" if words else "–"


def _text(value: Any) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (dict, list)):
        value = msgspec.json.encode(value).decode()
    return str(value)[:_TEXT_MAX]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
