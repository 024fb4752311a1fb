"""/api/v1/deliveries, /fetches, /events: what is owed, what failed and why, and trying it again."""

from typing import Annotated

import msgspec
from litestar import Router, get, post
from litestar.di import NamedDependency, Provide
from litestar.params import PathParameter, QueryParameter, RequestBody

from leadwire.model.delivery import DeliveryState
from leadwire.model.event import EventState
from leadwire.model.pull import FetchState
from leadwire.ports.delivery_queue import DeliveryFilter
from leadwire.web.api.cursors import LIMIT_DEFAULT, After, Limit, cut, from_cursor
from leadwire.web.api.shapes import (
    DeliveryDetail,
    DeliveryPage,
    DeliveryWhich,
    DropDeliveries,
    Dropped,
    EventPage,
    FetchPage,
    ReplayDeliveries,
    Replayed,
    ReplayEvents,
    ReplayFetches,
    attempt_item,
    delivery_item,
    event_item,
    fetch_item,
)
from leadwire.web.deeds import replay_deliveries, replay_events, replay_fetches
from leadwire.web.gate import Turned, open_to
from leadwire.web.surroundings import Site

Name = Annotated[str | None, QueryParameter(max_length=200, required=False)]


def filter_of(ids: list[str] | None, which: DeliveryWhich | None) -> DeliveryFilter:
    """The port's filter. Raises Turned unless exactly one of ids and a filter that says something is given."""
    if (ids is None) == (which is None):
        raise Turned("invalid", 'give either "ids" or "filter"')
    if ids is not None:
        return DeliveryFilter(ids=ids)
    if which is None or which == DeliveryWhich():
        raise Turned("invalid", "filter: name a destination, a sync, a lead_id or a state")
    return DeliveryFilter(destination=which.destination, sync=which.sync, lead_id=which.lead_id, state=which.state)


class DeliveryAsked(msgspec.Struct, frozen=True, kw_only=True):
    """Which deliveries a list shows."""

    state: DeliveryState | None
    destination: str | None
    sync: str | None
    lead_id: str | None


def provide_delivery_asked(
    in_state: Annotated[DeliveryState | None, QueryParameter(name="state", required=False)] = None,
    destination: Name = None,
    sync: Name = None,
    lead_id: Name = None,
) -> DeliveryAsked:
    """The filters of the list's query."""
    return DeliveryAsked(state=in_state, destination=destination, sync=sync, lead_id=lead_id)


@get(
    "/deliveries",
    opt=open_to("read"),
    summary="Deliveries, newest first",
    tags=["deliveries"],
    dependencies={"asked": Provide(provide_delivery_asked, sync_to_thread=False)},
)
async def list_deliveries(
    site: Site, asked: NamedDependency[DeliveryAsked], limit: Limit = LIMIT_DEFAULT, after: After = None
) -> DeliveryPage:
    """`state=dead` lists the dead letters."""
    which = DeliveryFilter(state=asked.state, destination=asked.destination, sync=asked.sync, lead_id=asked.lead_id)
    found = await site.ledger.delivery_book.page(which, from_cursor(after), limit + 1)
    items, following = cut(found, limit, lambda delivery: delivery.id)
    return DeliveryPage(items=[delivery_item(delivery) for delivery in items], next=following)


@get("/deliveries/{delivery_id:str}", opt=open_to("read"), summary="One delivery with its tries", tags=["deliveries"])
async def show_delivery(site: Site, delivery_id: Annotated[str, PathParameter(max_length=200)]) -> DeliveryDetail:
    """The delivery and every attempt, oldest first."""
    found = await site.ledger.delivery_book.page(DeliveryFilter(ids=[delivery_id]), None, 1)
    if not found:
        raise Turned("not-found", "There is no such delivery.")
    attempts = await site.ledger.delivery_book.attempts([delivery_id])
    return DeliveryDetail(delivery=delivery_item(found[0]), attempts=[attempt_item(one) for one in attempts])


@post("/deliveries/replay", opt=open_to("write"), status_code=200, summary="Try again", tags=["deliveries"])
async def replay(site: Site, data: RequestBody[ReplayDeliveries]) -> Replayed:
    """Dead and delivered ones become due now, under the key they always had. `dry_run` counts only."""
    which = filter_of(data.ids, data.filter)
    return Replayed(replayed=await replay_deliveries(site, which, dry_run=data.dry_run))


@post("/deliveries/drop", opt=open_to("write"), status_code=200, summary="Give dead letters up", tags=["deliveries"])
async def drop(site: Site, data: RequestBody[DropDeliveries]) -> Dropped:
    """Dead letters become cancelled, with the reason; they stay visible."""
    which = filter_of(data.ids, data.filter)
    return Dropped(dropped=await site.ledger.delivery_book.drop(which, data.reason, site.clock.now()))


@get("/fetches", opt=open_to("read"), summary="Ids that sources told us, newest first", tags=["fetches"])
async def list_fetches(
    site: Site,
    in_state: Annotated[FetchState | None, QueryParameter(name="state", required=False)] = None,
    source: Name = None,
    limit: Limit = LIMIT_DEFAULT,
    after: After = None,
) -> FetchPage:
    """`state=parked` lists those that wait for a human."""
    found = await site.ledger.fetches.page(in_state, source, _fetch_place(from_cursor(after)), limit + 1)
    items, following = cut(found, limit, lambda fetch: f"{fetch.source}/{fetch.native_id}")
    return FetchPage(items=[fetch_item(fetch) for fetch in items], next=following)


@post("/fetches/replay", opt=open_to("write"), status_code=200, summary="Read parked ids again", tags=["fetches"])
async def replay_parked(site: Site, data: RequestBody[ReplayFetches]) -> Replayed:
    """Parked ids become due now."""
    return Replayed(replayed=await replay_fetches(site, data.source, data.ids, data.scopes))


@get("/events", opt=open_to("read"), summary="Pushed events, newest first", tags=["events"])
async def list_events(
    site: Site,
    in_state: Annotated[EventState | None, QueryParameter(name="state", required=False)] = None,
    limit: Limit = LIMIT_DEFAULT,
    after: After = None,
) -> EventPage:
    """`state=quarantined` lists those that nobody could read."""
    found = await site.ledger.events.page(in_state, _sequence(from_cursor(after)), limit + 1)
    items, following = cut(found, limit, lambda event: str(event.sequence))
    return EventPage(items=[event_item(event) for event in items], next=following)


@post("/events/replay", opt=open_to("write"), status_code=200, summary="Read quarantined events again", tags=["events"])
async def replay_quarantined(site: Site, data: RequestBody[ReplayEvents]) -> Replayed:
    """They are parsed again from their raw bytes."""
    return Replayed(replayed=await replay_events(site, data.ids))


def _fetch_place(place: str | None) -> str | None:
    if place is not None and "/" not in place:
        raise Turned("invalid", "after: this cursor is not one of ours")
    return place


def _sequence(place: str | None) -> int | None:
    if place is None:
        return None
    if not place.isascii() or not place.isdigit() or len(place) > 18:
        raise Turned("invalid", "after: this cursor is not one of ours")
    return int(place)


ROUTER = Router(
    "/api/v1",
    route_handlers=[
        list_deliveries,
        show_delivery,
        replay,
        drop,
        list_fetches,
        replay_parked,
        list_events,
        replay_quarantined,
    ],
)
