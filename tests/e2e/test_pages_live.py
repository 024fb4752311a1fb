"""The pages in a real browser: leads that arrive, reps who race, and what strangers wrote into a form."""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import uvicorn
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from leadwire.engine.figures import EngineView
from leadwire.engine.supervisor import Supervisor
from leadwire.model.record import Attribution, Call, Record
from leadwire.ports.accounts import Role
from unit.web.house import SETTINGS, House, enquiry

pytestmark = pytest.mark.browser

ARRIVAL_MS_MAX = 200
EXPECTED = (  # what the browser and htmx write down when a claim is lost and when a live connection breaks
    "Failed to load resource: the server responded with a status of 409 (Conflict)",
    "Event",
)
ARGUMENTS = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
)
PAYLOADS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg/onload=alert(1)>",
    "javascript:alert(1)",
    "</script><script>alert(1)</script>",
    "{{constructor.constructor('alert(1)')()}}",
    '" autofocus onfocus=alert(1) x="',
    "<iframe src=https://evil.example></iframe>",
    "\u202e<b>\u0007hidden",
    '<a href="https://evil.example" hx-get="https://evil.example" hx-trigger="load">x</a>',
    "<div hx-on:load='alert(1)' data-hx-get='//evil.example' data-hx-trigger='load'>",
)


class Site:
    """A house that is served on a real socket, and people who look at it."""

    def __init__(self, house: House, url: str, browser: Browser) -> None:
        self.house = house
        self.url = url
        self._browser = browser
        self.troubles: list[str] = []

    async def visitor(self) -> Page:
        """A page of a stranger, with everything written down that must not happen."""
        context: BrowserContext = await self._browser.new_context(viewport={"width": 1280, "height": 850})
        context.set_default_timeout(15_000)
        page = await context.new_page()
        page.on("pageerror", lambda error: self.troubles.append(f"error: {error}"))
        page.on("console", lambda message: self._console(message.type, message.text))
        page.on("request", lambda request: self._request(request.url))
        return page

    async def person(self, name: str, role: Role = "rep", path: str = "/inbox") -> Page:
        """A page of somebody who signed in by a link."""
        await self.house.accounts.add_user(name, role)
        code = await self.house.accounts.code_for(name)
        page = await self.visitor()
        await page.goto(f"{self.url}/login/once#{code}")
        await page.click("button.primary")
        await page.wait_for_url("**/account")
        await page.goto(self.url + path)
        if path.startswith("/inbox"):
            await expect(page.locator("#live")).to_have_text("Live")
        return page

    def _console(self, kind: str, text: str) -> None:
        if kind in ("error", "warning") and text not in EXPECTED:
            self.troubles.append(f"console: {text}")

    def _request(self, url: str) -> None:
        if not url.startswith((self.url, "data:")):
            self.troubles.append(f"request: {url}")


@pytest.fixture
async def site(browser_path: Path) -> AsyncIterator[Site]:
    """A served house; nothing may be loaded from elsewhere, refused by the policy, or thrown by a script."""
    house = House(msgspec.structs.replace(SETTINGS, public_url=None, listens_on_loopback=True))
    supervisor = Supervisor([house.live], house.bell, house.clock, house.metrics)
    server = uvicorn.Server(
        uvicorn.Config(house.app, host="127.0.0.1", port=0, log_level="error", lifespan="off", loop="asyncio")
    )
    serving = asyncio.create_task(server.serve())
    running = asyncio.create_task(supervisor.run())
    while not server.started:
        await asyncio.sleep(0)
    port = server.servers[0].sockets[0].getsockname()[1]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=browser_path, args=ARGUMENTS)
        site = Site(house, f"http://127.0.0.1:{port}", browser)
        try:
            yield site
        finally:
            await browser.close()
            house.live.close()
            supervisor.stop()
            server.should_exit = True
            await asyncio.gather(serving, running)
    assert site.troubles == []
    assert house.crashes == []


async def test_a_new_lead_stands_on_top_at_once_and_is_announced(site: Site) -> None:
    await site.house.arrive(enquiry("old", full_name="Old Lead"))
    page = await site.person("anita")
    await page.evaluate("""() => {
        window.seen = [];
        new MutationObserver((changes) => changes.forEach((change) => change.addedNodes.forEach((node) => {
            if (node.classList?.contains("lead")) window.seen.push([node.dataset.name, Date.now()]);
        }))).observe(document.getElementById("leads"), { childList: true });
    }""")
    stored: dict[str, float] = {}
    for number in range(11):
        site.house.clock.advance(1)
        name = f"Lead {number}"
        await site.house.arrive(enquiry(f"n{number}", full_name=name))
        stored[name] = time.time() * 1000
        await expect(page.locator("#leads > .lead").first.locator(".name")).to_have_text(name)
    seen: list[Any] = await page.evaluate("window.seen")
    lags = [at - stored[name] for name, at in seen if name in stored]
    assert len(lags) == 11
    print(f"stored → on the page: median {statistics.median(lags):.0f} ms, worst {max(lags):.0f} ms")
    assert statistics.median(lags) < ARRIVAL_MS_MAX
    await expect(page.locator("#announcer")).to_have_text("New lead: Lead 10, meta")
    await expect(page.locator("#leads > .lead").first).to_have_class("lead is-new is-arrived")
    await expect(page.locator("#leads > .lead")).to_have_count(12)
    await expect(page.locator("[data-count=new]")).to_have_text("12")


async def test_a_hidden_tab_counts_what_it_missed(site: Site) -> None:
    page = await site.person("anita")
    await page.evaluate("Object.defineProperty(document, 'hidden', { get: () => window.isAway, configurable: true })")
    await page.evaluate("window.isAway = true")
    for number in range(3):
        await site.house.arrive(enquiry(str(number)))
    await expect(page).to_have_title("(3) Inbox · leadwire")
    await page.evaluate("window.isAway = false; document.dispatchEvent(new Event('visibilitychange'))")
    await expect(page).to_have_title("Inbox · leadwire")


async def test_the_first_lead_replaces_the_empty_page(site: Site) -> None:
    page = await site.person("anita")
    await expect(page.locator("#empty")).to_be_visible()
    await site.house.arrive(enquiry("1"))
    await expect(page.locator(".lead .name")).to_have_text("Asha Rao")
    await expect(page.locator("#empty")).to_have_count(0)


async def test_two_reps_race_one_wins_and_everybody_sees_who(site: Site) -> None:
    await site.house.arrive(enquiry("1"))
    anita, ravi, meera = [await site.person(name) for name in ("anita", "ravi", "meera")]
    await ravi.route("**/inbox/stream*", lambda route: route.abort())
    await ravi.reload()
    await anita.click("[data-deed=claim]")
    await expect(anita.locator(".lead [data-deed=release]")).to_be_visible()
    await expect(meera.locator(".lead .holder")).to_contain_text("anita")
    site.troubles.clear()
    await ravi.click("[data-deed=claim]")
    await expect(ravi.locator(".lead .notice")).to_have_text("anita was faster and has this lead.")
    await expect(ravi.locator("[data-deed=release]")).to_have_count(0)
    await anita.click("[data-deed=contact]")
    await expect(meera.locator(".lead.is-contacted")).to_be_visible()
    await ravi.close()
    site.troubles.clear()


async def test_the_keyboard_moves_claims_opens_and_searches(site: Site) -> None:
    for number, name in enumerate(("Third Lead", "Second Lead", "First Lead")):
        site.house.clock.advance(1)
        await site.house.arrive(enquiry(str(number), full_name=name))
    page = await site.person("anita")
    for key, name in (
        ("j", "First Lead"),
        ("j", "Second Lead"),
        ("j", "Third Lead"),
        ("j", "Third Lead"),
        ("k", "Second Lead"),
    ):
        await page.keyboard.press(key)
        await expect(page.locator(".lead:focus .name")).to_have_text(name)
    await page.keyboard.press("c")
    await expect(page.locator(".lead.is-mine .name")).to_have_text("Second Lead")
    await page.keyboard.press("/")
    await expect(page.locator("#text")).to_be_focused()
    await page.keyboard.type("third")
    await expect(page.locator(".lead .name")).to_have_text(["Third Lead"])
    assert "third" not in page.url
    await site.house.arrive(enquiry("9", full_name="While Searching"))
    await page.keyboard.press("Escape")
    await page.keyboard.press("j")
    await page.keyboard.press("Enter")
    await expect(page.locator("h1")).to_have_text("Third Lead")


async def test_a_repeat_enquiry_stands_on_top_again(site: Site) -> None:
    await site.house.arrive(enquiry("1", phone="+919812345678", full_name="Asha Rao"))
    site.house.clock.advance(5)
    await site.house.arrive(enquiry("2", full_name="Meera Nair"))
    page = await site.person("anita")
    site.house.clock.advance(5)
    await site.house.arrive(enquiry("3", phone="+919812345678", full_name="Asha Rao"))
    await expect(page.locator("#leads > .lead .name")).to_have_text(["Asha Rao", "Meera Nair"])
    await expect(page.locator("#leads > .lead").first.locator(".badge")).to_have_text("2×")


async def test_a_broken_connection_comes_back_and_misses_nothing(site: Site) -> None:
    page = await site.person("anita")
    await site.house.arrive(enquiry("1", full_name="Before"))
    await expect(page.locator(".lead .name")).to_have_text(["Before"])
    for reader in list(site.house.live._readers):
        reader.close()
    while site.house.live._readers:
        await asyncio.sleep(0)
    site.house.clock.advance(1)
    await site.house.arrive(enquiry("2", full_name="Meanwhile"))
    await expect(page.locator(".lead .name")).to_have_text(["Meanwhile", "Before"])


async def test_older_leads_are_added_below(site: Site) -> None:
    await site.house.arrive(*[enquiry(str(number), full_name=f"Lead {number}") for number in range(70)])
    page = await site.person("anita")
    await expect(page.locator(".lead")).to_have_count(50)
    await page.click("#older button")
    await expect(page.locator(".lead")).to_have_count(70)
    await expect(page.locator("#older")).to_have_count(0)


async def test_nothing_that_strangers_wrote_runs_or_loads(site: Site) -> None:
    def hostile(number: int, payload: str) -> Record:
        return Record(
            native_id=f"id{number}{payload}",
            kind="form",
            full_name=payload,
            phone=payload,
            email=payload,
            city=payload,
            company=payload,
            answers={payload: [payload, payload]},
            attribution=Attribution(campaign_name=payload, ad_name=payload),
            call=Call(recording_url=payload, agent=payload),
            activity={payload: payload},
            columns={payload: payload},
        )

    half = len(PAYLOADS) // 2
    for number, payload in enumerate(PAYLOADS[:half]):
        await site.house.arrive(hostile(number, payload))
    await site.house.settle("edge", 422)
    page = await site.person("boss", "admin")
    page.on("dialog", lambda dialog: site.troubles.append(f"dialog: {dialog.message}"))
    for number, payload in enumerate(PAYLOADS[half:], start=half):
        site.house.clock.advance(1)
        await site.house.arrive(hostile(number, payload))
    await expect(page.locator(".lead")).to_have_count(len(PAYLOADS))
    for lead_id in list(site.house.ledger.state.leads.rows):
        await page.goto(f"{site.url}/leads/{lead_id}")
        await expect(page.locator("h1")).to_be_visible()
    await page.goto(f"{site.url}/ops")
    await expect(page.locator("#dead tbody tr")).to_have_count(half)
    scripts = await page.evaluate("Array.from(document.scripts, (one) => one.src).filter((one) => !one)")
    assert scripts == []


async def test_operations_pause_count_and_replay(site: Site) -> None:
    await site.house.arrive(*[enquiry(str(number), occurred_at=site.house.clock.now()) for number in range(3)])
    await site.house.settle("crm", 200)
    await site.house.settle("edge", 422)
    site.house.view = EngineView(last_poll_at={"meta": site.house.clock.now()})
    page = await site.person("boss", "admin", "/ops")
    await expect(page.locator(".verdict")).to_have_text("3 deliveries refused.")
    await expect(page.locator("#lag .u-series")).to_have_count(3)
    await page.click("tr:has-text('crm') button")
    await expect(page.locator("tr:has-text('crm') button")).to_have_text("Resume")
    await page.check("[data-tick-all]")
    await expect(page.locator("#dead tbody input:checked")).to_have_count(3)
    await page.click("text=Replay all…")
    await expect(page.locator("#dead .success")).to_have_text("3 would be tried again.")


async def test_the_code_of_a_link_leaves_the_address_bar(site: Site) -> None:
    await site.house.accounts.add_user("anita", "rep")
    code = await site.house.accounts.code_for("anita")
    page = await site.visitor()
    await page.goto(f"{site.url}/login/once#{code}")
    assert page.url == f"{site.url}/login/once"
    await expect(page.locator("[name=code]")).to_have_value(str(code))


async def test_a_phone_sees_the_same_leads_without_scrolling_sideways(site: Site) -> None:
    await site.house.arrive(
        enquiry(
            "1", full_name="A" * 90, company="B" * 120, answers={"q" * 80: ["w" * 200]}, email=f"{'e' * 60}@example.in"
        )
    )
    page = await site.person("anita")
    await page.set_viewport_size({"width": 390, "height": 800})
    for path in ("/inbox", f"/leads/{next(iter(site.house.ledger.state.leads.rows))}", "/ops", "/account"):
        await page.goto(site.url + path)
        wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert (path, wide) == (path, 0)


async def test_the_description_is_drawn_from_our_own_files(site: Site) -> None:
    page = await site.visitor()
    await page.goto(f"{site.url}/docs")
    await expect(page.locator(".opblock").first).to_be_visible()
    assert await page.locator(".opblock").count() > 20
