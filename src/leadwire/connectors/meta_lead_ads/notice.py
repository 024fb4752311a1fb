"""What Meta's webhooks say: which leads exist. They carry ids, never answers (developers.facebook.com, Webhooks for Lead Ads)."""

import re
from collections.abc import Container, Iterator
from typing import Any

from leadwire.sdk import Ignored, Parsed, PayloadInvalid, Pointer, Unreadable, read_instant

_ID = re.compile(r"[A-Za-z0-9_-]{1,128}", re.ASCII)
_SAMPLE_ID = re.compile(r"4{6,}")
_CONTEXT = ("form_id", "ad_id", "adgroup_id", "page_id")


def read_notice(payload: object, page_ids: Container[str]) -> Iterator[Parsed]:
    """Every change of every entry, in order: up to 1,000 of them come in one request.

    Takes the usual envelope and the bare `{"field": "leadgen", "value": {…}}` of older test tools. Raises PayloadInvalid
    for anything that is no object.
    """
    if not isinstance(payload, dict):
        raise PayloadInvalid("the webhook is no JSON object")
    if "entry" not in payload and "field" in payload:
        yield _change(payload, None, page_ids)
        return
    entries = payload.get("entry")
    if payload.get("object") != "page":
        yield Ignored("other object")
        return
    if not isinstance(entries, list):
        raise PayloadInvalid("the webhook has no list of entries")
    for entry in entries:
        yield from _entry(entry, page_ids)


def read_id(value: object) -> str | None:
    """An id as text: Meta writes them as text or as bare numbers."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**128:
        return str(value)
    if isinstance(value, str) and _ID.fullmatch(value.strip()):
        return value.strip()
    return None


def _entry(entry: object, page_ids: Container[str]) -> Iterator[Parsed]:
    if not isinstance(entry, dict):
        yield Unreadable("an entry is no object")
        return
    changes = entry.get("changes")
    if changes is None:
        yield Ignored("other entry")
    elif not isinstance(changes, list):
        yield Unreadable("the changes of an entry are no list")
    else:
        for change in changes:
            yield _change(change, read_id(entry.get("id")), page_ids)


def _change(change: object, entry_id: str | None, page_ids: Container[str]) -> Parsed:
    if not isinstance(change, dict):
        return Unreadable("a change is no object")
    if change.get("field") != "leadgen":
        return Ignored("other field")
    value = change.get("value")
    if not isinstance(value, dict):
        return Unreadable("a leadgen change has no value")
    lead_id = read_id(value.get("leadgen_id"))
    if lead_id is None:
        return Unreadable("a leadgen change has no readable leadgen_id")
    if _SAMPLE_ID.fullmatch(lead_id):
        return Ignored("dashboard sample")
    return _pointer(lead_id, value, entry_id, page_ids)


def _pointer(lead_id: str, value: dict[str, Any], entry_id: str | None, page_ids: Container[str]) -> Pointer:
    context = {name: text for name in _CONTEXT if (text := read_id(value.get(name))) is not None}
    page_id = context.get("page_id") or entry_id or ""
    if page_id:
        context["page_id"] = page_id
    blocked = None
    if page_id not in page_ids:
        blocked = f"page {page_id or 'without an id'} is not configured: add it to [[sources.NAME.pages]]"
    return Pointer(
        native_id=lead_id,
        scope=page_id or "*",
        occurred_at=read_instant(value.get("created_time")),
        context=context,
        blocked=blocked,
    )
