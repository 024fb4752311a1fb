"""/api/v1/status, /lanes and /stream: how everything stands, pausing, and leads as they change."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

from litestar import Router, get, post
from litestar.connection import Request
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import PathParameter, RequestBody
from litestar.response import Stream

from leadwire.engine.live import Changed, Counts, Gone, Reader
from leadwire.engine.status import StatusDocument, document
from leadwire.model.lead import DeskEntry
from leadwire.web.api.shapes import LaneDone, PauseAsk
from leadwire.web.gate import Turned, open_to
from leadwire.web.sse import Event, stream_of
from leadwire.web.surroundings import Site, SiteServices

Destination = Annotated[str, PathParameter(max_length=200, description="The destination's name.")]


@get("/status", opt=open_to("read"), summary="How everything stands", tags=["operations"])
async def show_status(site: Site) -> StatusDocument:
    """The same document as `leadwire status --json`."""
    return document(await site.survey.report())


@post(
    "/lanes/{destination:str}/pause", opt=open_to("write"), status_code=200, summary="Pause a lane", tags=["operations"]
)
async def pause_lane(site: Site, destination: Destination, data: RequestBody[PauseAsk | None] = None) -> LaneDone:
    """What is owed stays owed until the lane is resumed."""
    _must_exist(site, destination)
    await site.control.pause_lane(destination, (data or PauseAsk()).reason)
    return LaneDone(destination=destination, paused=True, changed=True)


@post(
    "/lanes/{destination:str}/resume",
    opt=open_to("write"),
    status_code=200,
    summary="Resume a lane",
    tags=["operations"],
)
async def resume_lane(site: Site, destination: Destination) -> LaneDone:
    """Whatever paused it."""
    _must_exist(site, destination)
    changed = await site.control.resume_lane(destination)
    return LaneDone(destination=destination, paused=False, changed=changed)


def _must_exist(site: SiteServices, destination: str) -> None:
    if destination not in site.settings.destinations:
        raise Turned("not-found", "There is no destination of this name.")


@get(
    "/stream",
    opt=open_to("read"),
    summary="Leads as they change",
    tags=["leads"],
    media_type="text/event-stream",
    responses={
        200: ResponseSpec(
            str,
            generate_examples=False,
            media_type="text/event-stream",
            description="Server-sent events: `lead` (a lead document), `gone` (an id), `resync` (read the list again).",
        )
    },
)
async def stream(request: Request[Any, Any, Any], site: Site) -> Stream:
    """Server-sent events: `lead` carries the lead document, `gone` the id of a lead that was merged or erased; `resync` says
    that changes were missed, so read the list again."""
    return stream_of(site, _events, is_back="last-event-id" in request.headers)


async def _events(reader: Reader) -> AsyncIterator[Event]:
    async for signal in reader.signals():
        match signal:
            case Changed():
                yield Event("lead", signal.drawn("document", _document))
            case Gone():
                yield Event("gone", signal.lead_id)
            case "resync":
                yield Event("resync")
            case "quiet":
                yield Event()
            case Counts():
                pass


def _document(entry: DeskEntry) -> str:
    return bytes(entry.lead.document).decode()


ROUTER = Router("/api/v1", route_handlers=[show_status, pause_lane, resume_lane, stream])
