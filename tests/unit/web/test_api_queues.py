"""/api/v1/deliveries, /fetches and /events: what is owed, what failed, and trying it again."""

import pytest

from leadwire.model.changes import Absorption, EventDone
from leadwire.model.event import NewEvent, RawRequest
from leadwire.model.pull import OwedFetch
from unit.web.house import House, enquiry


async def _dead(house: House, count: int = 3) -> list[str]:
    await house.arrive(*[enquiry(str(number)) for number in range(count)])
    await house.settle("crm", 200)
    ids = await house.settle("edge", 422)
    for lane in ("crm", "edge"):
        await house.rung(f"deliveries:{lane}")
    return ids


async def test_a_delivery_has_the_documented_shape(house: House) -> None:
    ids = await _dead(house, 1)
    page = (await house.ask("GET", "/api/v1/deliveries?state=dead", await house.token("read"))).json
    (item,) = page["items"]
    assert item == {
        "id": ids[0],
        "lead_id": item["lead_id"],
        "destination": "edge",
        "sync": "edge",
        "version": 1,
        "state": "dead",
        "attempts": 1,
        "reason": "phone: is not a number",
        "last_status": 422,
        "not_before": "2026-02-25T06:13:20Z",
        "updated_at": "2026-02-25T06:13:20Z",
    }
    assert page["next"] is None


@pytest.mark.parametrize(
    ("query", "count"),
    [("", 6), ("?state=dead", 3), ("?state=delivered&destination=crm", 3), ("?state=dead&destination=crm", 0)],
)
async def test_deliveries_are_filtered(house: House, query: str, count: int) -> None:
    await _dead(house)
    page = (await house.ask("GET", f"/api/v1/deliveries{query}", await house.token("read"))).json
    assert len(page["items"]) == count


async def test_deliveries_of_one_lead_and_in_pages(house: House) -> None:
    await _dead(house)
    token = await house.token("read")
    first = (await house.ask("GET", "/api/v1/deliveries?limit=4", token)).json
    rest = (await house.ask("GET", f"/api/v1/deliveries?limit=4&after={first['next']}", token)).json
    assert (len(first["items"]), len(rest["items"]), rest["next"]) == (4, 2, None)
    lead_id = first["items"][0]["lead_id"]
    of_lead = (await house.ask("GET", f"/api/v1/deliveries?lead_id={lead_id}", token)).json["items"]
    assert {item["destination"] for item in of_lead} == {"crm", "edge"}


async def test_one_delivery_is_shown_with_its_tries(house: House) -> None:
    ids = await _dead(house, 1)
    answer = await house.ask("GET", f"/api/v1/deliveries/{ids[0]}", await house.token("read"))
    assert answer.json["delivery"]["id"] == ids[0]
    (attempt,) = answer.json["attempts"]
    assert (attempt["outcome"], attempt["status"], attempt["duration_ms"]) == ("rejected", 422, 12.0)


async def test_a_dry_run_counts_and_changes_nothing(house: House) -> None:
    await _dead(house)
    token = await house.token("read", "write")
    body = {"filter": {"destination": "edge", "state": "dead"}, "dry_run": True}
    assert (await house.ask("POST", "/api/v1/deliveries/replay", token, body)).json == {"replayed": 3}
    assert len((await house.ask("GET", "/api/v1/deliveries?state=dead", token)).json["items"]) == 3
    assert await house.rung("deliveries:edge") == "timeout"


async def test_replaying_by_filter_makes_them_due_and_wakes_the_lane(house: House) -> None:
    await _dead(house)
    token = await house.token("read", "write")
    body = {"filter": {"destination": "edge", "state": "dead"}}
    assert (await house.ask("POST", "/api/v1/deliveries/replay", token, body)).json == {"replayed": 3}
    assert (await house.ask("GET", "/api/v1/deliveries?state=dead", token)).json["items"] == []
    assert await house.rung("deliveries:edge") == "rung"
    assert await house.rung("deliveries:crm") == "timeout"


async def test_replaying_by_id_takes_these_only(house: House) -> None:
    ids = await _dead(house)
    answer = await house.ask("POST", "/api/v1/deliveries/replay", await house.token("write"), {"ids": ids[:2]})
    assert answer.json == {"replayed": 2}
    assert await house.rung("deliveries:edge") == "rung"


async def test_dropping_keeps_the_reason_in_sight(house: House) -> None:
    ids = await _dead(house)
    token = await house.token("read", "write")
    body = {"ids": ids[:1], "reason": "the customer asked us to"}
    assert (await house.ask("POST", "/api/v1/deliveries/drop", token, body)).json == {"dropped": 1}
    delivery = (await house.ask("GET", f"/api/v1/deliveries/{ids[0]}", token)).json["delivery"]
    assert (delivery["state"], delivery["reason"]) == ("cancelled", "the customer asked us to")


async def _parked(house: House, *native_ids: str) -> None:
    now = house.clock.now()
    fetches = [
        OwedFetch(
            source="meta",
            native_id=native_id,
            scope="page1",
            received_at=now,
            not_before=now,
            state="parked",
            reason="100/33: not readable",
        )
        for native_id in native_ids
    ]
    await house.ledger.leads.absorb(Absorption(fetches=fetches), now)


async def test_parked_fetches_are_listed_with_their_reason_and_read_again(house: House) -> None:
    await _parked(house, "11", "22", "33")
    token = await house.token("read", "write")
    page = (await house.ask("GET", "/api/v1/fetches?state=parked&source=meta&limit=2", token)).json
    rest = (await house.ask("GET", f"/api/v1/fetches?state=parked&limit=2&after={page['next']}", token)).json
    assert sorted(item["id"] for item in [*page["items"], *rest["items"]]) == ["11", "22", "33"]
    assert page["items"][0]["reason"] == "100/33: not readable"
    some = await house.ask("POST", "/api/v1/fetches/replay", token, {"source": "meta", "ids": ["11"]})
    assert some.json == {"replayed": 1}
    assert await house.rung("fetches:meta") == "rung"
    rest_of_all = await house.ask("POST", "/api/v1/fetches/replay", token, {"source": "meta"})
    assert rest_of_all.json == {"replayed": 2}


async def test_parked_fetches_of_a_page_are_read_again_together(house: House) -> None:
    await _parked(house, "11", "22")
    body = {"source": "meta", "scopes": ["page1"]}
    answer = await house.ask("POST", "/api/v1/fetches/replay", await house.token("write"), body)
    assert answer.json == {"replayed": 2}


async def _quarantined(house: House, count: int) -> list[int]:
    request = RawRequest(
        method="POST", path="/webhooks/meta", query=b"", headers=(), body=b"{}", received_at=house.clock.now()
    )
    events = [NewEvent(source="meta", dedup_key=number.to_bytes(16, "big"), request=request) for number in range(count)]
    sequences = [one for one in await house.ledger.events.append(events, house.clock.now()) if one is not None]
    done = [EventDone(sequence=one, state="quarantined", reason="no entry") for one in sequences]
    await house.ledger.leads.absorb(Absorption(events=done), house.clock.now())
    return sequences


async def test_quarantined_events_are_listed_without_their_bodies_and_read_again(house: House) -> None:
    sequences = await _quarantined(house, 3)
    token = await house.token("read", "write")
    page = (await house.ask("GET", "/api/v1/events?state=quarantined&limit=2", token)).json
    rest = (await house.ask("GET", f"/api/v1/events?state=quarantined&limit=2&after={page['next']}", token)).json
    assert [item["id"] for item in [*page["items"], *rest["items"]]] == sorted(sequences, reverse=True)
    assert page["items"][0]["reason"] == "no entry"
    assert page["items"][0]["body_bytes"] == 2
    some = await house.ask("POST", "/api/v1/events/replay", token, {"ids": sequences[:1]})
    assert some.json == {"replayed": 1}
    assert await house.rung("events") == "rung"
    assert (await house.ask("POST", "/api/v1/events/replay", token, {})).json == {"replayed": 2}


@pytest.mark.parametrize("path", ["deliveries", "fetches", "events", "leads"])
async def test_an_empty_cursor_is_the_first_page(house: House, path: str) -> None:
    await _dead(house)
    assert (await house.ask("GET", f"/api/v1/{path}?after=", await house.token("read"))).status == 200
