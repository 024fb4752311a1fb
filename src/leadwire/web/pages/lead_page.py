"""/leads/<id>: everything about one lead, and what to do with it."""

from typing import Any, Literal

from litestar import get, post
from litestar.connection import Request
from litestar.params import FromPath
from litestar.response import Response

from leadwire.model.errors import NothingToSplit
from leadwire.model.lead import DeskEntry
from leadwire.model.record import RecordKey
from leadwire.web.api.queues import filter_of
from leadwire.web.api.shapes import DeliveryWhich
from leadwire.web.deeds import do_at_desk, entry_of, refusal_words, replay_deliveries
from leadwire.web.gate import Asker, Caller, Turned, open_to
from leadwire.web.history import history_of, moments
from leadwire.web.pages.drawing import Drawing
from leadwire.web.pages.forms import read_form
from leadwire.web.pages.lead_view import (
    answer_facts,
    column_facts,
    document_of,
    part_facts,
    person_facts,
    view_of,
)
from leadwire.web.surroundings import Site

AnyRequest = Request[Any, Any, Any]


@get("/leads/{lead_id:str}", opt=open_to("desk", page=True), include_in_schema=False)
async def lead_page(request: AnyRequest, site: Site, caller: Asker, lead_id: FromPath[str]) -> Response[Any]:
    """The page; noted as the lead's first opening."""
    entry = await entry_of(site, lead_id)
    if entry.lead.merged_into is not None:
        return Response(b"", status_code=303, headers={"location": f"/leads/{entry.lead.merged_into}"})
    if entry.opened_at is None:
        await site.ledger.desk.open(lead_id, site.clock.now())
        entry = await entry_of(site, lead_id)
    history = await history_of(site.ledger, entry)
    known = document_of(entry.lead)
    attempts: dict[str, list[Any]] = {}
    for attempt in history.attempts:
        attempts.setdefault(attempt.delivery_id, []).append(attempt)
    page = _drawing(request).draw(
        "lead.html",
        caller=caller,
        user=caller.name,
        notice="",
        lead=view_of(entry),
        version=entry.lead.version,
        person=person_facts(known),
        answers=answer_facts(known),
        parts=[
            (title, facts)
            for title, facts in (
                ("Campaign", part_facts(known, "attribution")),
                ("Call", part_facts(known, "call")),
                ("Activity", part_facts(known, "activity")),
                ("Columns", column_facts(known)),
            )
            if facts
        ],
        history=history,
        attempts=attempts,
        moments=moments(history),
    )
    return Response(page, media_type="text/html")


@post("/leads/{lead_id:str}/{deed:str}", opt=open_to("desk", page=True), status_code=200, include_in_schema=False)
async def act(
    request: AnyRequest,
    site: Site,
    caller: Asker,
    lead_id: FromPath[str],
    deed: FromPath[Literal["claim", "release", "contact"]],
) -> Response[Any]:
    """Claim, give back or mark as contacted; answers the new row (or panel), with 409 and the winner where it was too late."""
    form = await read_form(request)
    is_done, entry = await do_at_desk(site, deed, lead_id, caller.name)
    if request.headers.get("hx-request") != "true":
        return Response(b"", status_code=303, headers={"location": f"/leads/{lead_id}"})
    notice = "" if is_done else refusal_words(deed, entry, caller.name)
    drawn = _panel(request, caller, entry, notice) if form.one("view") == "panel" else ""
    drawn = drawn or _drawing(request).row(entry, caller.name, notice)
    return Response(drawn, status_code=200 if is_done else 409, media_type="text/html")


@post("/leads/{lead_id:str}/erase", opt=open_to("admin", page=True), status_code=200, include_in_schema=False)
async def erase(site: Site, lead_id: FromPath[str]) -> Response[bytes]:
    """Removes the lead and goes back to the inbox."""
    if not await site.control.erase_lead(lead_id):
        raise Turned("not-found", "There is no such lead.")
    site.bell.ring("leads", (lead_id,))
    return Response(b"", status_code=303, headers={"location": "/inbox"})


@post("/leads/{lead_id:str}/split", opt=open_to("admin", page=True), status_code=200, include_in_schema=False)
async def split(request: AnyRequest, site: Site, lead_id: FromPath[str]) -> Response[bytes]:
    """Takes the ticked records out into a lead of their own, and goes there."""
    form = await read_form(request)
    keys = [RecordKey(source, native_id) for source, _, native_id in (one.partition("/") for one in form.all("record"))]
    try:
        other = await site.control.split_lead(lead_id, keys)
    except NothingToSplit as error:
        raise Turned("conflict", str(error)) from error
    if other is None:
        raise Turned("not-found", "There is no such lead.")
    site.bell.ring("leads", (lead_id, other))
    return Response(b"", status_code=303, headers={"location": f"/leads/{other}"})


@post("/leads/{lead_id:str}/replay", opt=open_to("write", page=True), status_code=200, include_in_schema=False)
async def replay(request: AnyRequest, site: Site, lead_id: FromPath[str]) -> Response[bytes]:
    """Tries one delivery of this lead again."""
    form = await read_form(request)
    which = filter_of(form.all("id") or None, None if form.all("id") else DeliveryWhich(lead_id=lead_id))
    await replay_deliveries(site, which, dry_run=False)
    return Response(b"", status_code=303, headers={"location": f"/leads/{lead_id}"})


def _panel(request: AnyRequest, caller: Caller, entry: DeskEntry, notice: str) -> str:
    return _drawing(request).draw("lead_desk.html", lead=view_of(entry), user=caller.name, notice=notice)


def _drawing(request: AnyRequest) -> Drawing:
    drawing: Drawing = request.app.state.drawing
    return drawing


HANDLERS = (lead_page, erase, split, replay, act)
