"""The pages: what they show, what they escape, what works without scripts."""

import re

import pytest

from leadwire.engine.figures import EngineView
from leadwire.model.record import Attribution, Call, Record
from unit.web.house import House, enquiry

PAYLOADS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "{{ 7*7 }}{% raw %}",
    "javascript:alert(1)",
    "</textarea></title><svg/onload=alert(1)>",
]


def _hostile(payload: str) -> Record:
    return Record(
        native_id=f"id{payload}",
        kind="form",
        full_name=payload,
        phone=payload,
        email=payload,
        city=payload,
        country=payload,
        company=payload,
        answers={payload: [payload, payload]},
        attribution=Attribution(campaign_name=payload, campaign_id=payload, ad_name=payload),
        call=Call(recording_url=payload, number=payload, agent=payload),
        activity={payload: payload},
        columns={payload: payload, "plain": payload},
    )


@pytest.mark.parametrize("payload", PAYLOADS)
async def test_no_field_of_a_lead_becomes_markup(house: House, payload: str) -> None:
    (lead_id,) = await house.arrive(_hostile(payload))
    await house.settle("crm", 422)
    admin = await house.browser("boss", "admin")
    for path in ("/inbox", f"/leads/{lead_id}", "/ops"):
        text = (await house.ask("GET", path, admin)).text
        assert payload not in text or payload == "javascript:alert(1)" or payload.startswith("{{")
        assert "<img src=x" not in text
        assert "<svg/onload" not in text
        assert "<script>" not in text
        assert "49" not in re.sub(r"\d{3,}", "", text)
        assert re.findall(r'href="(?!/|tel:|mailto:|https?:|#)[^"]*"', text) == []


@pytest.mark.parametrize("path", ["/inbox", "/ops", "/account", "/login", "/login/once", "/docs"])
async def test_no_page_has_a_script_or_a_style_of_its_own(house: House, path: str) -> None:
    headers = {} if path.startswith("/login") else await house.browser("boss", "admin")
    text = (await house.ask("GET", path, headers)).text
    assert re.findall(r"<script(?![^>]*\ssrc=\"/static/)", text) == []
    assert re.findall(r"<style|\sstyle=|\son[a-z]+=", text) == []
    assert "<script" in text


async def test_what_is_searched_for_is_escaped_and_stands_in_no_url(house: House) -> None:
    browser = await house.browser("anita")
    answer = await house.ask("POST", "/inbox/search", browser, b"text=%22%3E%3Cb%3E")
    assert '"><b>' not in answer.text
    assert "Nobody matches <q>&#34;&gt;&lt;b&gt;</q>" in answer.text


async def test_the_inbox_lists_leads_newest_first_with_a_link_to_call(house: House) -> None:
    for number, name in enumerate(("Asha Rao", "Meera Nair")):
        house.clock.advance(60)
        await house.arrive(enquiry(str(number), full_name=name, phone=f"+9198123456{number}8"))
    text = (await house.ask("GET", "/inbox", await house.browser("anita"))).text
    assert text.index("Meera Nair") < text.index("Asha Rao")
    assert 'href="tel:+919812345608"' in text
    assert "+91 98123 45608" in text
    assert ">60 s</time>" in text


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["New One", "Mine", "Theirs"]),
        ("?state=new", ["New One"]),
        ("?state=claimed", ["Mine", "Theirs"]),
        ("?mine=1", ["Mine"]),
        ("?state=contacted", []),
        ("?source=meta", ["New One", "Mine", "Theirs"]),
        ("?source=knowlarity", []),
        ("?state=odd", ["New One", "Mine", "Theirs"]),
    ],
)
async def test_the_inbox_is_filtered(house: House, query: str, names: list[str]) -> None:
    for number, name in enumerate(("Theirs", "Mine", "New One")):
        house.clock.advance(1)
        ids = await house.arrive(enquiry(str(number), full_name=name))
    await house.ledger.desk.claim(ids[1], "anita", house.clock.now())
    await house.ledger.desk.claim(ids[2], "ravi", house.clock.now())
    text = (await house.ask("GET", f"/inbox{query}", await house.browser("anita"))).text
    assert re.findall(r'class="name" href="[^"]+">([^<]+)<', text) == names


async def test_older_leads_follow_without_a_gap_or_a_repeat(house: House) -> None:
    await house.arrive(*[enquiry(str(number), full_name=f"Lead {number}") for number in range(120)])
    browser = {**(await house.browser("anita")), "hx-request": "true"}
    seen: list[str] = []
    cursor = ""
    for _ in range(3):
        text = (await house.ask("POST", "/inbox/search", browser, f"before={cursor}".encode())).text
        seen += re.findall(r'class="name" href="[^"]+">([^<]+)<', text)
        found = re.search(r'name="before" value="([^"]+)"', text)
        cursor = found.group(1) if found else ""
    assert cursor == ""
    assert len(seen) == len(set(seen)) == 120
    assert (await house.ask("POST", "/inbox/search", browser, b"before=odd")).status == 422


async def test_claiming_answers_the_new_row_and_a_loser_sees_who_won(house: House) -> None:
    (lead_id,) = await house.arrive(enquiry("1"))
    anita = {**(await house.browser("anita")), "hx-request": "true"}
    ravi = {**(await house.browser("ravi")), "hx-request": "true"}
    won = await house.ask("POST", f"/leads/{lead_id}/claim", anita, b"view=row")
    assert won.status == 200
    assert "Give back" in won.text
    lost = await house.ask("POST", f"/leads/{lead_id}/claim", ravi, b"view=row")
    assert lost.status == 409
    assert "anita was faster and has this lead." in lost.text
    assert "Give back" not in lost.text
    panel = await house.ask("POST", f"/leads/{lead_id}/contact", anita, b"view=panel")
    assert panel.text.startswith('<div id="desk"')


async def test_an_unknown_deed_is_refused(house: House) -> None:
    (lead_id,) = await house.arrive(enquiry("1"))
    assert (await house.ask("POST", f"/leads/{lead_id}/steal", await house.browser("anita"))).status == 422


async def test_opening_a_lead_is_noted_once(house: House) -> None:
    (lead_id,) = await house.arrive(enquiry("1"))
    browser = await house.browser("anita")
    await house.ask("GET", f"/leads/{lead_id}", browser)
    opened_at = (await house.ledger.desk.entries([lead_id]))[0].opened_at
    assert opened_at == house.clock.now()
    house.clock.advance(60)
    await house.ask("GET", f"/leads/{lead_id}", browser)
    assert (await house.ledger.desk.entries([lead_id]))[0].opened_at == opened_at


async def test_the_lead_page_tells_every_attempt(house: House) -> None:
    (lead_id,) = await house.arrive(enquiry("1", answers={"budget": ["50", "70"]}))
    await house.settle("crm", 200)
    await house.settle("edge", 422)
    text = (await house.ask("GET", f"/leads/{lead_id}", await house.browser("anita"))).text
    assert "Delivered to crm" in text
    assert "edge: refused" in text
    assert "HTTP 422" in text
    assert "<dd>50</dd>" in text
    assert "<dd>70</dd>" in text
    assert "Erase this lead" not in text


async def test_a_merged_lead_leads_to_the_one_that_kept_its_records(house: House) -> None:
    await house.arrive(enquiry("1", phone="+919812345678"))
    house.clock.advance(1)
    ids = await house.arrive(enquiry("2", phone=None, email="asha@example.in"))
    await house.arrive(enquiry("3", phone="+919812345678", email="asha@example.in"))
    answer = await house.ask("GET", f"/leads/{ids[0]}", await house.browser("anita"))
    assert (answer.status, answer.header("location")) == (303, f"/leads/{ids[1]}")


async def test_an_admin_erases_splits_and_replays_from_the_lead_page(house: House) -> None:
    (lead_id,) = await house.arrive(enquiry("1", phone="+919812345678"), enquiry("2/x", phone="+919812345678"))
    admin = await house.browser("boss", "admin")
    (delivery,) = await house.settle("edge", 422)
    split = await house.ask("POST", f"/leads/{lead_id}/split", admin, b"record=meta%2F2%2Fx")
    assert split.header("location") == "/leads/01other"
    assert house.control.splits == [(lead_id, [("meta", "2/x")])]
    await house.ask("POST", f"/leads/{lead_id}/replay", admin, f"id={delivery}".encode())
    assert (await house.ledger.delivery_book.tally(house.clock.now()))[1].dead == 0
    gone = await house.ask("POST", f"/leads/{lead_id}/erase", admin)
    assert gone.header("location") == "/inbox"
    assert (await house.ask("GET", f"/leads/{lead_id}", admin)).status == 404


async def test_operations_say_in_one_sentence_that_nothing_is_missing_or_what_is(house: House) -> None:
    admin = await house.browser("boss", "admin")
    house.view = EngineView(last_poll_at={"meta": house.clock.now()})
    assert "Nothing is missing: every lead has arrived everywhere." in (await house.ask("GET", "/ops", admin)).text
    await house.arrive(enquiry("1"))
    await house.settle("edge", 422)
    house.clock.advance(3)
    text = (await house.ask("GET", "/ops", admin)).text
    assert "1 delivery refused" in text
    assert "phone: is not a number" in text


async def test_dead_letters_are_counted_first_and_then_replayed_by_filter(house: House) -> None:
    await house.arrive(*[enquiry(str(number)) for number in range(3)])
    await house.settle("edge", 422)
    admin = {**(await house.browser("boss", "admin")), "hx-request": "true"}
    nothing = await house.ask("POST", "/ops/dead/replay", admin, b"")
    assert "Tick the dead letters first." in nothing.text
    asked = await house.ask("POST", "/ops/dead/count", admin, b"all=1&destination=edge")
    assert "3 would be tried again." in asked.text
    assert "Yes, replay all of them" in asked.text
    done = await house.ask("POST", "/ops/dead/replay", admin, b"all=1&destination=edge")
    assert "3 tried again." in done.text
    assert 'name="id"' not in done.text


async def test_ticked_dead_letters_are_replayed_or_given_up(house: House) -> None:
    await house.arrive(*[enquiry(str(number)) for number in range(3)])
    ids = await house.settle("edge", 422)
    admin = {**(await house.browser("boss", "admin")), "hx-request": "true"}
    one = await house.ask("POST", "/ops/dead/replay", admin, f"id={ids[0]}".encode())
    assert "1 tried again." in one.text
    two = await house.ask("POST", "/ops/dead/drop", admin, f"id={ids[1]}&id={ids[2]}".encode())
    assert "2 given up." in two.text


async def test_a_lane_is_paused_and_resumed_from_the_page(house: House) -> None:
    admin = {**(await house.browser("boss", "admin")), "hx-request": "true"}
    assert "Resume" in (await house.ask("POST", "/ops/lanes/crm/pause", admin)).text
    (pause,) = await house.ledger.pauses.pauses()
    assert pause.reason == "paused by boss"
    assert "Resume" not in (await house.ask("POST", "/ops/lanes/crm/resume", admin)).text
    assert (await house.ask("POST", "/ops/lanes/none/pause", admin)).status == 404


async def test_a_rep_sees_operations_without_the_buttons(house: House) -> None:
    await house.arrive(enquiry("1"))
    await house.settle("edge", 422)
    text = (await house.ask("GET", "/ops", await house.browser("anita"))).text
    assert "phone: is not a number" in text
    assert "Replay" not in text
    assert "Pause" not in text


async def test_the_plot_has_a_line_per_hop(house: House) -> None:
    await house.arrive(enquiry("1", occurred_at=house.clock.now() - 2_000_000))
    lines = (await house.ask("GET", "/ops/lag.json", await house.browser("anita"))).json
    assert lines["hops"] == ["received", "resolved"]
    assert len(lines["times"]) == 1
    assert 2.0 <= lines["p95_s"][0][0] < 2.4


async def test_static_files_are_ours_only_and_kept_by_browsers(house: House) -> None:
    page = (await house.ask("GET", "/login")).text
    (url,) = re.findall(r'href="(/static/leadwire.css\?v=[0-9a-f]{12})"', page)
    answer = await house.ask("GET", url)
    assert answer.header("content-type") == "text/css; charset=utf-8"
    assert "immutable" in answer.header("cache-control")
    for path in ("../site.py", "..%2fsite.py", "nothing.css", "vendor/LICENSES.md", "/etc/passwd", ""):
        assert (await house.ask("GET", f"/static/{path}")).status == 404
