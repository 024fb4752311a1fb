"""/inbox: the leads to call, newest first, live."""

import base64
import binascii
from collections.abc import AsyncIterator
from typing import Any, Final

import msgspec
from litestar import get, post
from litestar.connection import Request
from litestar.response import Response, Stream

from leadwire.engine.live import Changed, Counts, Gone, Reader
from leadwire.model.lead import DeskEntry, DeskState
from leadwire.ports.desk import DeskQuery
from leadwire.web.gate import Asker, Caller, Turned, open_to
from leadwire.web.pages.drawing import Drawing
from leadwire.web.pages.forms import read_form
from leadwire.web.pages.lead_view import document_of
from leadwire.web.sse import Event, stream_of
from leadwire.web.surroundings import Site, SiteServices

PAGE_LEADS: Final = 50
TEXT_MAX: Final = 200
_STATES: Final[dict[str, DeskState]] = {"new": "new", "claimed": "claimed", "contacted": "contacted"}


class InboxView(msgspec.Struct, frozen=True, kw_only=True):
    """What a rep looks at. `text` never stands in a URL: it is somebody's name or number."""

    state: DeskState | None = None
    source: str | None = None
    is_mine: bool = False
    text: str = ""
    before: str | None = None

    @property
    def tab(self) -> str:
        return "mine" if self.is_mine else (self.state or "all")

    def shows(self, changed: Changed, user: str) -> bool:
        """Whether a lead that just changed belongs into this list (a search shows no arrivals)."""
        return (
            not self.text
            and self.state in (None, changed.entry.state)
            and (not self.is_mine or changed.entry.claimed_by == user)
            and (self.source is None or self.source in changed.drawn("sources", _sources).split("\n"))
        )


@get("/inbox", opt=open_to("desk", page=True), include_in_schema=False)
async def inbox_page(request: Request[Any, Any, Any], site: Site, caller: Asker) -> Response[str]:
    """The page, or (for "older leads") its next rows."""
    return await _answer(request, site, caller, _view(dict(request.query_params)))


@post("/inbox/search", opt=open_to("desk", page=True), status_code=200, include_in_schema=False)
async def search(request: Request[Any, Any, Any], site: Site, caller: Asker) -> Response[str]:
    """The same, with words to look for; they come in the body."""
    form = await read_form(request)
    names = ("state", "source", "mine", "text", "before")
    return await _answer(request, site, caller, _view({name: form.one(name) for name in names}))


@get("/inbox/stream", opt=open_to("desk", page=True), include_in_schema=False)
async def inbox_stream(request: Request[Any, Any, Any], site: Site, caller: Asker) -> Stream:
    """Server-sent events: `lead` (a row that belongs into the list), `change` (a row that may be on the page), `gone`, `counts`,
    `resync`."""
    view = _view(dict(request.query_params))
    drawing: Drawing = request.app.state.drawing

    async def events(reader: Reader) -> AsyncIterator[Event]:
        async for signal in reader.signals():
            match signal:
                case Changed():
                    is_theirs = signal.entry.claimed_by == caller.name
                    row = signal.drawn(
                        f"row:{caller.name if is_theirs else ''}",
                        lambda entry: drawing.row(entry, caller.name if is_theirs else ""),  # noqa: B023 - called at once
                    )
                    yield Event("lead" if view.shows(signal, caller.name) else "change", row)
                case Gone():
                    yield Event("gone", signal.lead_id)
                case Counts():
                    yield Event("counts", msgspec.json.encode(signal.states).decode())
                case "resync":
                    yield Event("resync")
                case "quiet":
                    yield Event()

    return stream_of(site, events, is_back="last-event-id" in request.headers)


async def _answer(
    request: Request[Any, Any, Any], site: SiteServices, caller: Caller, view: InboxView
) -> Response[str]:
    query = DeskQuery(
        text=view.text,
        source=view.source,
        state=view.state,
        claimed_by=caller.name if view.is_mine else None,
        before=_place(view.before),
        limit=PAGE_LEADS + 1,
    )
    entries = list(await site.ledger.desk.page(query))
    older = _cursor(entries[PAGE_LEADS - 1]) if len(entries) > PAGE_LEADS else None
    drawing: Drawing = request.app.state.drawing
    values: dict[str, Any] = {
        "caller": caller,
        "view": view,
        "rows": [drawing.row(entry, caller.name) for entry in entries[:PAGE_LEADS]],
        "older": older,
    }
    if request.headers.get("hx-request") == "true" and "hx-history-restore-request" not in request.headers:
        template = "inbox_rows.html" if view.before else "inbox_list.html"
        return Response(drawing.draw(template, **values), media_type="text/html")
    counts = await site.ledger.desk.counts()
    return Response(drawing.draw("inbox.html", counts=counts, **values), media_type="text/html")


def _sources(entry: DeskEntry) -> str:
    records = document_of(entry.lead).get("records", [])
    return "\n".join(str(record.get("source")) for record in records)


def _view(values: dict[str, str]) -> InboxView:
    return InboxView(
        state=_STATES.get(values.get("state", "")),
        source=values.get("source", "")[:TEXT_MAX].replace("\x00", "") or None,
        is_mine=values.get("mine") == "1",
        text=values.get("text", "").strip()[:TEXT_MAX],
        before=values.get("before") or None,
    )


def _cursor(entry: DeskEntry) -> str:
    place = f"{entry.lead.received_at}/{entry.lead.id}"
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def _place(cursor: str | None) -> tuple[int, str] | None:
    if cursor is None:
        return None
    try:
        received_at, _, lead_id = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().partition("/")
        return int(received_at), lead_id
    except (binascii.Error, ValueError) as error:
        raise Turned("invalid", "before: this cursor is not one of ours") from error


HANDLERS = (inbox_page, search, inbox_stream)
