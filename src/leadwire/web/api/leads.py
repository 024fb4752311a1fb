"""/api/v1/leads: read leads, and act on one."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from litestar import Router, delete, get, post
from litestar.params import PathParameter, QueryParameter, RequestBody
from litestar.response import Redirect, Response

from leadwire.model.errors import NothingToSplit
from leadwire.model.record import RecordKey
from leadwire.model.times import Instant, from_datetime
from leadwire.ports.lead_book import LeadQuery
from leadwire.web.api.cursors import LIMIT_DEFAULT, After, Limit, cut, from_cursor
from leadwire.web.api.shapes import DeskAsk, DeskItem, LeadPage, SplitAsk, SplitDone, desk_item
from leadwire.web.deeds import DeskDeed, do_at_desk, entry_of, refusal_words
from leadwire.web.gate import Asker, Caller, Turned, open_to
from leadwire.web.history import history_of, timeline_document
from leadwire.web.pages.lead_view import document_of
from leadwire.web.surroundings import Site, SiteServices

LeadId = Annotated[str, PathParameter(max_length=64, description="The lead's id.")]
Search = Annotated[
    str, QueryParameter(max_length=200, description="Every word must begin a word of the lead.", required=False)
]
Since = Annotated[
    str | None, QueryParameter(max_length=40, description="Updated at or after; ISO 8601.", required=False)
]


@get("/", opt=open_to("read"), summary="Leads, newest first")
async def list_leads(
    site: Site,
    q: Search = "",
    source: Annotated[str | None, QueryParameter(max_length=200, required=False)] = None,
    since: Since = None,
    limit: Limit = LIMIT_DEFAULT,
    after: After = None,
) -> LeadPage:
    """Lead documents; merged ones are left out."""
    query = LeadQuery(text=q, source=source, since=instant_of(since), after=from_cursor(after), limit=limit + 1)
    leads, following = cut(await site.ledger.leads.page(query), limit, lambda lead: lead.id)
    return LeadPage(items=[document_of(lead) for lead in leads], next=following)


@get("/{lead_id:str}", opt=open_to("read"), summary="One lead")
async def show_lead(
    site: Site,
    lead_id: LeadId,
    include: Annotated[Literal["timeline"] | None, QueryParameter(required=False)] = None,
) -> Response[dict[str, Any]] | Redirect:
    """The lead document. `include=timeline` adds "timeline": records, deliveries, attempts, merges, lags and desk marks.

    A lead that was merged into another answers with a redirect to that one.
    """
    entry = await entry_of(site, lead_id)
    if entry.lead.merged_into is not None:
        return Redirect(f"/api/v1/leads/{entry.lead.merged_into}", status_code=307)
    document = document_of(entry.lead)
    if include == "timeline":
        document["timeline"] = timeline_document(await history_of(site.ledger, entry))
    return Response(document)


@delete("/{lead_id:str}", opt=open_to("admin"), summary="Erase a lead")
async def erase_lead(site: Site, lead_id: LeadId) -> None:
    """Removes the lead, its records' contents, its raw events and what is owed of it. Its record keys stay, so that it is not
    read again."""
    if not await site.control.erase_lead(lead_id):
        raise Turned("not-found", "There is no such lead.")
    site.bell.ring("leads", (lead_id,))


@post("/{lead_id:str}/split", opt=open_to("write"), status_code=200, summary="Take records out of a lead")
async def split_lead(site: Site, lead_id: LeadId, data: RequestBody[SplitAsk]) -> SplitDone:
    """The records become a lead of their own (or the one they were merged from), and the two never merge again by themselves."""
    keys = [RecordKey(record.source, record.native_id) for record in data.records]
    try:
        other = await site.control.split_lead(lead_id, keys)
    except NothingToSplit as error:
        raise Turned("conflict", str(error)) from error
    if other is None:
        raise Turned("not-found", "There is no such lead.")
    site.bell.ring("leads", (lead_id, other))
    return SplitDone(lead_id=other)


@post("/{lead_id:str}/claim", opt=open_to("desk"), status_code=200, summary="Claim a lead")
async def claim_lead(site: Site, caller: Asker, lead_id: LeadId, data: RequestBody[DeskAsk | None] = None) -> DeskItem:
    """409 where somebody else was faster."""
    return await _at_desk(site, caller, "claim", (lead_id, data))


@post("/{lead_id:str}/release", opt=open_to("desk"), status_code=200, summary="Give a claim back")
async def release_lead(
    site: Site, caller: Asker, lead_id: LeadId, data: RequestBody[DeskAsk | None] = None
) -> DeskItem:
    """409 where it is held by somebody else."""
    return await _at_desk(site, caller, "release", (lead_id, data))


@post("/{lead_id:str}/contact", opt=open_to("desk"), status_code=200, summary="Mark a lead as contacted")
async def contact_lead(
    site: Site, caller: Asker, lead_id: LeadId, data: RequestBody[DeskAsk | None] = None
) -> DeskItem:
    """A lead that nobody holds is claimed with it; 409 where somebody else holds it."""
    return await _at_desk(site, caller, "contact", (lead_id, data))


async def _at_desk(site: SiteServices, caller: Caller, deed: DeskDeed, asked: tuple[str, DeskAsk | None]) -> DeskItem:
    lead_id, data = asked
    user = await _acting_user(site, caller, data)
    is_done, entry = await do_at_desk(site, deed, lead_id, user)
    if not is_done:
        raise Turned("conflict", refusal_words(deed, entry, user))
    return desk_item(entry)


async def _acting_user(site: SiteServices, caller: Caller, data: DeskAsk | None) -> str:
    wanted = None if data is None else data.user
    if caller.user is not None:
        if wanted not in (None, caller.name):
            raise Turned("forbidden", "A signed-in person acts in their own name only.")
        return caller.name
    if wanted is None:
        return caller.name
    user = await site.accounts.user(wanted)
    if user is None or user.disabled_at is not None:
        raise Turned("invalid", "user: there is no such user")
    return user.name


def instant_of(text: str | None) -> Instant | None:
    """The instant of an ISO 8601 text (UTC where it names no zone). Raises Turned for anything else."""
    if text is None:
        return None
    plain = text.strip()
    if len(plain) > 6 and plain[-6] == " ":  # a "+" that the query string turned into a space
        plain = f"{plain[:-6]}+{plain[-5:]}"
    try:
        moment = datetime.fromisoformat(plain)
    except ValueError as error:
        raise Turned("invalid", "since: give an ISO 8601 time, like 2026-01-31T09:30:00Z") from error
    return from_datetime(moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC))


ROUTER = Router(
    "/api/v1/leads",
    route_handlers=[
        list_leads,
        show_lead,
        erase_lead,
        split_lead,
        claim_lead,
        release_lead,
        contact_lead,
    ],
    tags=["leads"],
)
