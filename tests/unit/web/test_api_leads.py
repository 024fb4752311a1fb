"""/api/v1/leads: reading, and acting on one."""

import pytest

from leadwire.model.record import Attribution
from unit.web.house import House, enquiry


async def test_leads_come_newest_first_in_pages_until_there_are_no_more(house: House) -> None:
    for number in range(5):
        house.clock.advance(1)
        await house.arrive(enquiry(str(number), full_name=f"Lead {number}"))
    token = await house.token("read")
    names: list[str] = []
    path = "/api/v1/leads?limit=2"
    for size in (2, 2, 1):
        page = (await house.ask("GET", path, token)).json
        assert len(page["items"]) == size
        names += [item["full_name"] for item in page["items"]]
        path = f"/api/v1/leads?limit=2&after={page['next']}"
    assert page["next"] is None
    assert names == [f"Lead {number}" for number in (4, 3, 2, 1, 0)]


async def test_a_page_that_is_just_full_is_the_last_one(house: House) -> None:
    await house.arrive(enquiry("1"), enquiry("2"))
    assert (await house.ask("GET", "/api/v1/leads?limit=2", await house.token("read"))).json["next"] is None


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=mee", ["Meera Nair"]),
        ("q=nair%20meera", ["Meera Nair"]),
        ("q=nobody", []),
        ("source=meta", ["Meera Nair", "Asha Rao"]),
        ("source=knowlarity", []),
        ("since=2026-02-25T06:13:25Z", ["Meera Nair"]),
        ("since=2026-02-25T11:43:25%2B05:30", ["Meera Nair"]),
        ("since=2026-02-25T11:43:25+05:30", ["Meera Nair"]),
        ("since=2026-02-25", ["Meera Nair", "Asha Rao"]),
    ],
)
async def test_leads_are_found_by_words_source_and_time(house: House, query: str, found: list[str]) -> None:
    await house.arrive(enquiry("1"))
    house.clock.advance(10)
    await house.arrive(enquiry("2", full_name="Meera Nair"))
    page = (await house.ask("GET", f"/api/v1/leads?{query}", await house.token("read"))).json
    assert [item["full_name"] for item in page["items"]] == found


async def test_one_lead_answers_its_document(house: House) -> None:
    (lead_id,) = await house.arrive(enquiry("1", answers={"budget": ["50", "70"]}))
    document = (await house.ask("GET", f"/api/v1/leads/{lead_id}", await house.token("read"))).json
    assert document["id"] == lead_id
    assert document["version"] == 1
    assert document["answers"] == {"budget": ["50", "70"]}
    assert document["records"][0]["via"] == "webhook"
    assert "timeline" not in document


async def test_numbers_too_long_for_a_float_stay_exact(house: House) -> None:
    (lead_id,) = await house.arrive(enquiry("1", activity={"serial": 123456789012345678901234567890}))
    answer = await house.ask("GET", f"/api/v1/leads/{lead_id}", await house.token("read"))
    assert b'"serial":123456789012345678901234567890' in answer.body


async def test_the_timeline_tells_every_attempt_and_the_lag_of_every_hop(house: House) -> None:
    (lead_id,) = await house.arrive(enquiry("1", occurred_at=house.clock.now() - 2_000_000))
    house.clock.advance(0.5)
    await house.settle("crm", 200)
    await house.settle("edge", 422)
    timeline = (await house.ask("GET", f"/api/v1/leads/{lead_id}?include=timeline", await house.token("read"))).json[
        "timeline"
    ]
    assert set(timeline) == {"desk", "records", "merges", "deliveries", "attempts", "lags"}
    assert {one["destination"]: one["state"] for one in timeline["deliveries"]} == {"crm": "delivered", "edge": "dead"}
    assert sorted((one["outcome"], one["status"]) for one in timeline["attempts"]) == [
        ("delivered", 200),
        ("rejected", 422),
    ]
    (lags,) = timeline["lags"]
    assert lags["created_to_received"] == 2.0
    assert lags["received_to_resolved"] == 0.0
    assert lags["received_to_delivered"] == {"crm": 0.5}


async def test_claiming_is_won_by_one_and_the_others_hear_who(house: House) -> None:
    (lead_id,) = await house.arrive(enquiry("1"))
    anita, ravi = await house.browser("anita"), await house.browser("ravi")
    won = await house.ask("POST", f"/api/v1/leads/{lead_id}/claim", anita)
    assert won.json["claimed_by"] == "anita"
    lost = await house.ask("POST", f"/api/v1/leads/{lead_id}/claim", ravi)
    assert (lost.status, lost.json["detail"]) == (409, "anita was faster and has this lead.")
    assert (await house.ask("POST", f"/api/v1/leads/{lead_id}/release", ravi)).status == 409
    assert (await house.ask("POST", f"/api/v1/leads/{lead_id}/contact", ravi)).status == 409
    assert (await house.ask("POST", f"/api/v1/leads/{lead_id}/release", anita)).json["state"] == "new"
    assert (await house.ask("POST", f"/api/v1/leads/{lead_id}/contact", ravi)).json["state"] == "contacted"


async def test_a_program_acts_for_a_user_that_exists(house: House) -> None:
    (lead_id,) = await house.arrive(enquiry("1"))
    await house.browser("anita")
    token = await house.token("write")
    unknown = await house.ask("POST", f"/api/v1/leads/{lead_id}/claim", token, {"user": "nobody"})
    assert unknown.status == 422
    known = await house.ask("POST", f"/api/v1/leads/{lead_id}/claim", token, {"user": "anita"})
    assert known.json["claimed_by"] == "anita"


async def test_a_person_acts_in_their_own_name_only(house: House) -> None:
    (lead_id,) = await house.arrive(enquiry("1"))
    await house.browser("ravi")
    anita = await house.browser("anita")
    assert (await house.ask("POST", f"/api/v1/leads/{lead_id}/claim", anita, {"user": "ravi"})).status == 403


async def test_the_first_touch_is_measured_once(house: House) -> None:
    (lead_id,) = await house.arrive(enquiry("1"))
    token = await house.token("write")
    house.clock.advance(90)
    for deed in ("claim", "release", "claim"):
        await house.ask("POST", f"/api/v1/leads/{lead_id}/{deed}", token)
    point = house.metrics.lags.last_hour(house.clock.now())["first_touch"]
    assert point.count == 1
    assert 90 <= point.p50_s < 108


async def test_a_merged_lead_leads_to_the_one_that_kept_its_records(house: House) -> None:
    await house.arrive(enquiry("1", phone="+919812345678", email=None))
    house.clock.advance(1)
    ids = await house.arrive(enquiry("2", phone=None, email="asha@example.in"))
    kept, absorbed = ids[1], ids[0]
    house.clock.advance(1)
    await house.arrive(enquiry("3", phone="+919812345678", email="asha@example.in"))
    token = await house.token("read")
    answer = await house.ask("GET", f"/api/v1/leads/{absorbed}", token)
    assert (answer.status, answer.header("location")) == (307, f"/api/v1/leads/{kept}")
    listed = (await house.ask("GET", "/api/v1/leads", token)).json["items"]
    assert [item["id"] for item in listed] == [kept]
    timeline = (await house.ask("GET", f"/api/v1/leads/{kept}?include=timeline", token)).json["timeline"]
    assert [(merge["kept"], merge["absorbed"]) for merge in timeline["merges"]] == [(kept, absorbed)]


async def test_splitting_names_the_records_that_leave(house: House) -> None:
    (lead_id,) = await house.arrive(enquiry("1", phone="+919812345678"), enquiry("2", phone="+919812345678"))
    token = await house.token("write")
    records = {"records": [{"source": "meta", "native_id": "2"}]}
    split = await house.ask("POST", f"/api/v1/leads/{lead_id}/split", token, records)
    assert (split.status, split.json) == (200, {"lead_id": "01other"})
    assert house.control.splits == [(lead_id, [("meta", "2")])]
    both = {"records": [{"source": "meta", "native_id": native_id} for native_id in ("1", "2")]}
    assert (await house.ask("POST", f"/api/v1/leads/{lead_id}/split", token, both)).status == 409
    assert (await house.ask("POST", "/api/v1/leads/none/split", token, records)).status == 404


async def test_erasing_removes_the_lead_and_says_nothing(house: House) -> None:
    (lead_id,) = await house.arrive(enquiry("1", attribution=Attribution(campaign_name="Monsoon")))
    admin = await house.token("admin", "read")
    answer = await house.ask("DELETE", f"/api/v1/leads/{lead_id}", admin)
    assert (answer.status, answer.body) == (204, b"")
    assert (await house.ask("GET", f"/api/v1/leads/{lead_id}", admin)).status == 404
    assert (await house.ask("DELETE", f"/api/v1/leads/{lead_id}", admin)).status == 404
