"""Whole journeys through the real program: what a user was promised, seen at the CRM."""

import time
from typing import Any

import msgspec
import pytest

from e2e.audit import audit, is_quiet
from e2e.program import command
from e2e.scene import Scene
from e2e.until import pause, until, until_seen
from leadwire.model.times import SECOND
from leadwire.simulators.crm.faults import Faults as CrmFaults
from leadwire.simulators.crm.faults import Scripted
from leadwire.simulators.knowlarity.book import Dialled
from leadwire.simulators.meta.faults import Faults as MetaFaults
from leadwire.simulators.push import Push

pytestmark = pytest.mark.slow
PHONE = "+919876543210"
ARRIVES_WITHIN_S = 15.0


def submit(scene: Scene, page: int = 0, phone: str = PHONE, **answers: str) -> str:
    """A person sends the first form of a page; answers the id that Meta gives the lead."""
    town = scene.town
    at = list(town.meta.pages.values())[page]
    given = {"full_name": "Asha Rao", "phone_number": phone} | answers
    lead = town.meta.submit(at.id, at.forms[0].id, town.now(), {name: [value] for name, value in given.items()})
    return lead.id


def dial(scene: Scene) -> None:
    town = scene.town
    account = town.knowlarity.account
    town.knowlarity.dial(
        Dialled(customer=PHONE, number=account.numbers[0], agent=account.agents[0], ring_s=0, talk_s=0), town.now()
    )


async def arrived(scene: Scene, versions: list[int]) -> list[dict[str, Any]]:
    """The leads at the CRM, once they are these versions and nothing more is on its way."""

    async def are_there() -> bool:
        return sorted(row["version"] for row in scene.town.rows().values()) == versions and await is_quiet(
            scene.program
        )

    await until(are_there, ARRIVES_WITHIN_S, f"leads of the versions {versions} at the CRM")
    return list(scene.town.rows().values())


async def test_a_form_and_a_call_of_one_phone_are_one_lead_with_two_records(scene: Scene) -> None:
    await scene.open()
    native_id = submit(scene, email="asha@example.com", city="Pune")
    await scene.take(*scene.sender.due())
    await arrived(scene, [1])
    dial(scene)
    await scene.take(*scene.sender.due())
    (lead,) = await arrived(scene, [2])
    assert [(line["source"], line["kind"], line["via"]) for line in lead["records"]] == [
        ("meta", "form", "webhook"),
        ("knowlarity", "call", "webhook"),
    ]
    assert lead["records"][0]["native_id"] == native_id
    assert (lead["full_name"], lead["phone"], lead["email"]) == ("Asha Rao", PHONE, "asha@example.com")
    assert lead["call"]["direction"] == "inbound"
    assert [effect.kind for effect in scene.town.crm.effects] == ["created", "updated"]
    found = await audit(scene.sender.book, scene.town, scene.program)
    assert found.is_sound, found


async def test_a_duplicate_webhook_changes_nothing_and_a_repeat_enquiry_is_a_new_version(scene: Scene) -> None:
    await scene.open()
    submit(scene)
    (webhook,) = scene.sender.due()
    form = scene.sender.site(phone="+919812345678")
    await scene.take(webhook, webhook, form, form)
    await arrived(scene, [1, 1])
    await scene.take(webhook, form)
    again = scene.sender.site(phone="+919812345678")
    await scene.take(again)
    await arrived(scene, [1, 2])
    assert len(scene.town.crm.effects) == 3
    assert len(await scene.program.items("/api/v1/deliveries")) == 3


async def test_a_refusal_is_a_dead_letter_at_once_and_a_replay_delivers_it(scene: Scene) -> None:
    await scene.open()
    scene.town.crm.faults = CrmFaults(poison_texts=("poison",))
    await scene.take(scene.sender.site(message="poison"))

    async def dead() -> list[dict[str, Any]]:
        return await scene.program.items("/api/v1/deliveries?state=dead")

    (letter,) = await until(dead, 2.0, "a dead letter")
    assert (letter["attempts"], letter["last_status"]) == (1, 422)
    assert "422" in letter["reason"]
    scene.town.crm_fails()
    replayed = await command("dead", "replay", letter["id"], "--json", folder=scene.program.folder)
    assert replayed.json() == {"replayed": 1}
    await arrived(scene, [1])
    (effect,) = scene.town.crm.effects
    assert effect.key == letter["id"]


@pytest.mark.parametrize("as_date", [False, True], ids=["in seconds", "as a date"])
async def test_a_retry_after_silences_the_whole_lane(as_date: bool, scene: Scene) -> None:
    await scene.open()
    answers = scene.town.crm
    scene.town.crm_fails(script=(Scripted(status=429, retry_after_s=4, retry_after_as_date=as_date),))
    await scene.take(scene.sender.site())
    await until_seen(lambda: answers.snapshot()["answers"].get("429"), 5.0, "a 429")
    told_at = time.monotonic()
    await scene.take(*(scene.sender.site() for _ in range(5)))
    await until_seen(lambda: answers.effects, 10.0, "the end of the silence")
    silent_s = time.monotonic() - told_at
    assert silent_s > (2.5 if as_date else 3.5)
    assert silent_s < 8.0
    await arrived(scene, [1] * 6)
    assert answers.snapshot()["answers"] == {"429": 1, "201": 6}


@pytest.mark.timeout(120)
async def test_an_outage_of_15_seconds_is_over_20_seconds_after_its_end(scene: Scene) -> None:
    await scene.open()
    outage = scene.town.outage(15.0)
    scene.town.crm_fails(outages=(outage,))
    while scene.town.now() < outage.until_at:
        await scene.take(scene.sender.site())
        await pause(0.2)
    await scene.take(scene.sender.site())

    async def are_there() -> bool:
        return len(scene.town.crm.rows) == len(scene.sender.book.acked) and await is_quiet(scene.program)

    await until(are_there, 20.0, "all leads of the outage")
    last_s = (max(effect.at for effect in scene.town.crm.effects) - outage.until_at) / SECOND
    print(f"\n{len(scene.town.crm.rows)} leads of a 15 s outage were there {last_s:.1f} s after its end")
    found = await audit(scene.sender.book, scene.town, scene.program)
    assert found.is_sound, found


async def test_a_lost_reply_is_tried_again_within_10_seconds_under_the_same_key(scene: Scene) -> None:
    await scene.open()
    scene.town.crm_fails(lost_reply_share=1.0)
    await scene.take(scene.sender.site())
    await until_seen(lambda: scene.town.crm.effects, 5.0, "a lead that was written")
    scene.town.crm_fails()
    await until_seen(lambda: len(scene.town.crm.effects) >= 2, 10.0, "another try")
    await arrived(scene, [1])
    effects = scene.town.crm.effects
    assert len({effect.key for effect in effects}) == 1
    assert effects[0].kind == "created"
    assert {effect.kind for effect in effects[1:]} == {"repeated"}


async def test_a_loopback_destination_is_refused_unless_the_config_allows_it(scene: Scene) -> None:
    await scene.open(allow=())
    await scene.take(scene.sender.site())

    async def refused() -> list[dict[str, Any]]:
        return [item for item in await scene.program.items("/api/v1/deliveries") if item["reason"]]

    (delivery,) = await until(refused, 10.0, "a refusal")
    assert "[egress] allow" in delivery["reason"]
    assert delivery["state"] == "pending"
    assert not scene.town.crm.snapshot()["answers"]
    await scene.program.stop()
    await scene.open()
    await arrived(scene, [1])


async def test_a_lead_of_a_page_that_is_not_configured_is_parked_with_the_reason(scene: Scene) -> None:
    path = scene.town.settle_in(scene.program.folder)
    whole = path.read_text()
    page = list(scene.town.meta.pages.values())[1]
    path.write_text(whole.replace(f'{{ id = "{page.id}", access_token = "{page.access_token}" }}', ""))
    await scene.go_on()
    native_id = submit(scene, page=1)
    await scene.take(*scene.sender.due())

    async def waiting() -> list[dict[str, Any]]:
        listed = await command("dead", "list", "--json", folder=scene.program.folder)
        found: list[dict[str, Any]] = listed.json()["items"]
        return found

    (parked,) = await until(waiting, 10.0, "a parked lead")
    assert native_id in parked["id"]
    assert page.id in parked["reason"]
    await scene.program.stop()
    path.write_text(whole)
    await scene.go_on()
    (lead,) = await arrived(scene, [1])
    assert lead["records"][0]["native_id"] == native_id


async def test_a_dead_token_keeps_its_ids_and_a_new_one_brings_them(scene: Scene) -> None:
    town = scene.town
    path = town.settle_in(scene.program.folder)
    whole = path.read_text()
    broken = next(iter(town.meta.pages.values()))
    town.meta.faults = MetaFaults(dead_tokens={"sim-expired": 463})
    path.write_text(whole.replace(broken.access_token, "sim-expired"))
    await scene.go_on()
    owed = {submit(scene, page=0, phone=f"+9198765000{number:02d}") for number in range(5)}
    healthy = submit(scene, page=1, phone="+919811111111", first_name="Ravi")
    await scene.take(*scene.sender.due())
    await until_seen(lambda: ("meta", healthy) in town.arrived(), ARRIVES_WITHIN_S, "the lead of the other page")

    async def complains() -> str | None:
        source = (await scene.program.get("/api/v1/status"))["sources"][0]
        return source["hint"] if source["state"] != "ok" else None

    hint = await until(complains, 5.0, "a hint about the token")
    assert broken.id in str(hint)
    assert "sim-expired" not in str(hint)
    kept = {item["id"] for item in await scene.program.items("/api/v1/fetches?state=pending")}
    assert kept == owed
    await scene.program.stop()
    path.write_text(whole)
    await scene.go_on()
    await until_seen(lambda: {("meta", one) for one in owed} <= set(town.arrived()), ARRIVES_WITHIN_S, "what was kept")
    found = await audit(scene.sender.book, town, scene.program)
    assert found.is_sound, found
    assert found.arrived == 6


async def test_an_id_that_can_not_be_read_yet_is_read_as_soon_as_it_can(scene: Scene) -> None:
    await scene.open()
    scene.town.meta.faults = MetaFaults(readable_after_us=3 * SECOND)
    submit(scene)
    await scene.take(*scene.sender.due())
    asked_at = time.monotonic()
    await arrived(scene, [1])
    assert time.monotonic() - asked_at < 8.0


async def test_a_forged_webhook_is_refused_and_leaves_nothing(scene: Scene) -> None:
    await scene.open()
    true = scene.sender.site()
    forged = msgspec.structs.replace(
        true, push=Push(number=1, headers=true.push.headers, body=true.push.body.replace(b"site", b"evil"))
    )
    assert await scene.sender.send(forged) == "fail"
    assert scene.sender.book.statuses == {"401": 1}
    assert await scene.program.items("/api/v1/events") == []
    await scene.take(true)
    await arrived(scene, [1])
