"""/ops: did every lead arrive, how late, and why not; and the buttons that mend it."""

from typing import Any, Final

import msgspec
from litestar import get, post
from litestar.connection import Request
from litestar.params import FromPath
from litestar.response import Response

from leadwire.model.times import SECOND
from leadwire.ports.delivery_queue import DeliveryFilter
from leadwire.web.api.cursors import from_cursor, to_cursor
from leadwire.web.deeds import replay_deliveries, replay_events, replay_fetches
from leadwire.web.gate import Asker, Caller, Turned, open_to
from leadwire.web.pages.drawing import Drawing
from leadwire.web.pages.forms import Form, read_form
from leadwire.web.surroundings import Site, SiteServices

AnyRequest = Request[Any, Any, Any]
ROWS: Final = 25


class LagLines(msgspec.Struct, frozen=True, kw_only=True):
    """What the plot draws: seconds since 1970, and per hop the 95th percentile of each minute (null: nothing)."""

    times: list[int]
    hops: list[str]
    p50_s: list[list[float | None]]
    p95_s: list[list[float | None]]


@get("/ops", opt=open_to("read", page=True), include_in_schema=False)
async def ops_page(request: AnyRequest, site: Site, caller: Asker) -> Response[str]:
    """The page."""
    values = await _overview(site, caller) | await _dead(site, None, None) | await _stuck(site)
    return _draw(request, "ops.html", **values)


@get("/ops/overview", opt=open_to("read", page=True), include_in_schema=False)
async def overview(request: AnyRequest, site: Site, caller: Asker) -> Response[str]:
    """The upper part; the page asks for it every few seconds."""
    return _draw(request, "ops_overview.html", **await _overview(site, caller))


@get("/ops/dead", opt=open_to("read", page=True), include_in_schema=False)
async def dead_letters(request: AnyRequest, site: Site, caller: Asker) -> Response[str]:
    """The dead letters, of one destination where asked."""
    values = await _dead(site, request.query_params.get("destination"), request.query_params.get("after"))
    return _draw(request, "ops_dead.html", caller=caller, **values)


@get("/ops/stuck", opt=open_to("read", page=True), include_in_schema=False)
async def stuck(request: AnyRequest, site: Site, caller: Asker) -> Response[str]:
    """Parked fetches and quarantined events."""
    return _draw(request, "ops_stuck.html", caller=caller, **await _stuck(site))


@get("/ops/lag.json", opt=open_to("read", page=True), include_in_schema=False)
async def lag(site: Site) -> LagLines:
    """The last three hours, by minute."""
    points = site.metrics.lags.points(site.clock.now())
    minutes = sorted({point.at for line in points.values() for point in line})
    hops = sorted(points)
    p50: list[list[float | None]] = []
    p95: list[list[float | None]] = []
    for hop in hops:
        by_minute = {point.at: point for point in points[hop]}
        line = [by_minute.get(minute) for minute in minutes]
        p50.append([None if point is None else point.p50_s for point in line])
        p95.append([None if point is None else point.p95_s for point in line])
    return LagLines(times=[minute // SECOND for minute in minutes], hops=hops, p50_s=p50, p95_s=p95)


@post(
    "/ops/lanes/{destination:str}/{deed:str}", opt=open_to("write", page=True), status_code=200, include_in_schema=False
)
async def switch_lane(
    request: AnyRequest, site: Site, caller: Asker, destination: FromPath[str], deed: FromPath[str]
) -> Response[Any]:
    """Pauses or resumes a lane; answers the upper part."""
    if destination not in site.settings.destinations or deed not in ("pause", "resume"):
        raise Turned("not-found")
    if deed == "pause":
        await site.control.pause_lane(destination, f"paused by {caller.name}")
    else:
        await site.control.resume_lane(destination)
    if request.headers.get("hx-request") != "true":
        return _back()
    return _draw(request, "ops_overview.html", **await _overview(site, caller, fresh=True))


@post("/ops/dead/{deed:str}", opt=open_to("write", page=True), status_code=200, include_in_schema=False)
async def act_on_dead(request: AnyRequest, site: Site, caller: Asker, deed: FromPath[str]) -> Response[Any]:
    """Replays, counts or drops the ticked dead letters, or all of a destination; answers the list with what was done."""
    form = await read_form(request)
    destination = form.one("destination") or None
    which = (
        DeliveryFilter(ids=form.all("id")) if form.all("id") else DeliveryFilter(state="dead", destination=destination)
    )
    if which.ids is None and form.one("all") != "1":
        done = "Tick the dead letters first."
    else:
        done = await _do_to_dead(site, caller, deed, which)
    if request.headers.get("hx-request") != "true":
        return _back()
    is_asked = deed == "count" and which.ids is None
    values = await _dead(site, destination, None)
    return _draw(request, "ops_dead.html", caller=caller, **(values | {"done": done, "is_asked": is_asked}))


async def _do_to_dead(site: SiteServices, caller: Caller, deed: str, which: DeliveryFilter) -> str:
    match deed:
        case "replay":
            count = await replay_deliveries(site, which, dry_run=False)
            return f"{count} tried again."
        case "count":
            count = await replay_deliveries(site, which, dry_run=True)
            return f"{count} would be tried again."
        case "drop":
            count = await site.ledger.delivery_book.drop(which, f"dropped by {caller.name}", site.clock.now())
            return f"{count} given up."
        case _:
            raise Turned("not-found")


@post("/ops/fetches/replay", opt=open_to("write", page=True), status_code=200, include_in_schema=False)
async def replay_parked(request: AnyRequest, site: Site, caller: Asker) -> Response[Any]:
    """Reads parked ids again: the ticked ones, or all of a source."""
    form = await read_form(request)
    count = 0
    if form.one("all") == "1":
        for source in {fetch.source for fetch in await site.ledger.fetches.page("parked", None, None, 500)}:
            count += await replay_fetches(site, source, None, None)
    for source, ids in _by_source(form).items():
        count += await replay_fetches(site, source, ids, None)
    return await _stuck_answer(request, site, caller, f"{count} will be read again.")


@post("/ops/events/replay", opt=open_to("write", page=True), status_code=200, include_in_schema=False)
async def replay_quarantined(request: AnyRequest, site: Site, caller: Asker) -> Response[Any]:
    """Parses quarantined events again: the ticked ones, or all."""
    form = await read_form(request)
    ticked = [int(one) for one in form.all("event") if one.isascii() and one.isdigit() and len(one) <= 18]
    count = 0
    if form.one("all") == "1" or ticked:
        count = await replay_events(site, None if form.one("all") == "1" else ticked)
    return await _stuck_answer(request, site, caller, f"{count} will be read again.")


def _by_source(form: Form) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one in form.all("fetch"):
        source, _, native_id = one.partition("/")
        found.setdefault(source, []).append(native_id)
    return found


async def _stuck_answer(request: AnyRequest, site: SiteServices, caller: Caller, done: str) -> Response[Any]:
    if request.headers.get("hx-request") != "true":
        return _back()
    return _draw(request, "ops_stuck.html", caller=caller, **(await _stuck(site) | {"stuck_done": done}))


async def _overview(site: SiteServices, caller: Caller, *, fresh: bool = False) -> dict[str, Any]:
    view = site.survey.view()
    return {
        "caller": caller,
        "report": await site.survey.report(fresh=fresh),
        "refusals": sorted(view.refusals.items(), key=lambda item: -item[1])[:ROWS],
    }


async def _dead(site: SiteServices, destination: str | None, after: str | None) -> dict[str, Any]:
    which = DeliveryFilter(state="dead", destination=destination or None)
    found = list(await site.ledger.delivery_book.page(which, from_cursor(after), ROWS + 1))
    return {
        "dead": found[:ROWS],
        "dead_next": to_cursor(found[ROWS - 1].id) if len(found) > ROWS else None,
        "destination": destination or "",
        "done": "",
        "is_asked": False,
    }


async def _stuck(site: SiteServices) -> dict[str, Any]:
    return {
        "parked": await site.ledger.fetches.page("parked", None, None, ROWS),
        "quarantined": await site.ledger.events.page("quarantined", None, ROWS),
        "stuck_done": "",
    }


def _draw(request: AnyRequest, template: str, **values: Any) -> Response[str]:
    drawing: Drawing = request.app.state.drawing
    return Response(drawing.draw(template, **values), media_type="text/html")


def _back() -> Response[bytes]:
    return Response(b"", status_code=303, headers={"location": "/ops"})


HANDLERS = (
    ops_page,
    overview,
    dead_letters,
    stuck,
    lag,
    switch_lane,
    act_on_dead,
    replay_parked,
    replay_quarantined,
)
