import json
from email.utils import parsedate_to_datetime
from random import Random
from typing import Any

import pytest

from leadwire.model.times import MINUTE, SECOND, Instant, from_datetime
from leadwire.simulators.catalogue import example_crm_secret
from leadwire.simulators.crm.faults import Faults, Outage, Scripted
from leadwire.simulators.crm.signature import read_secret, sign
from leadwire.simulators.crm.world import CrmWorld
from leadwire.simulators.exchange import WorldAnswer, WorldRequest


def document(lead_id: str = "lead-1", version: int = 1, **more: Any) -> bytes:
    return json.dumps({"type": "lead", "data": {"id": lead_id, "version": version, "records": [{}], **more}}).encode()


def post(world: CrmWorld, now: Instant, key: str, body: bytes | None = None) -> WorldAnswer:
    return world.handle(
        WorldRequest(method="POST", path="/leads", headers={"webhook-id": key}, body=body or document()), now
    )


def get(world: CrmWorld, now: Instant, path: str, query: str = "") -> Any:
    answer = world.handle(WorldRequest(method="GET", path=path, query=query), now)
    return json.loads(answer.body) if answer.status == 200 else answer.status


@pytest.fixture
def open_crm() -> CrmWorld:
    """A CRM that asks for no signature."""
    return CrmWorld(Random(7))


def test_a_lead_is_created_once_and_then_updated(open_crm: CrmWorld, now: Instant) -> None:
    created = post(open_crm, now, "k1", document(version=1))
    updated = post(open_crm, now, "k2", document(version=2, full_name="प्रिया"))
    assert (created.status, updated.status) == (201, 200)
    shown = get(open_crm, now, "/leads/lead-1")
    assert (shown["version"], shown["writes"], shown["data"]["full_name"]) == (2, 2, "प्रिया")
    assert get(open_crm, now, "/leads/another") == 404


def test_a_key_that_was_seen_does_nothing_and_is_counted(open_crm: CrmWorld, now: Instant) -> None:
    post(open_crm, now, "k1", document(version=1))
    again = post(open_crm, now + SECOND, "k1", document(version=5))
    assert json.loads(again.body)["result"] == "repeated"
    assert open_crm.rows["lead-1"].version == 1
    assert [effect.kind for effect in open_crm.effects] == ["created", "repeated"]
    assert open_crm.snapshot()["repeated_keys"] == 1


def test_versions_that_go_backwards_are_written_and_counted(open_crm: CrmWorld, now: Instant) -> None:
    for number, version in enumerate((1, 3, 2, 2, 3)):
        post(open_crm, now, f"k{number}", document(version=version))
    assert [effect.goes_backwards for effect in open_crm.effects] == [False, False, True, True, False]
    assert open_crm.snapshot()["versions_backwards"] == 2


def test_each_effect_tells_key_lead_version_records_and_time(open_crm: CrmWorld, now: Instant) -> None:
    post(open_crm, now, "k1", document("lead-9", 4, records=[{}, {}, {}]))
    (effect,) = open_crm.effects
    assert (effect.key, effect.lead_id, effect.version, effect.records, effect.at) == ("k1", "lead-9", 4, 3, now)


def test_without_an_upsert_key_every_new_webhook_id_makes_a_row(now: Instant) -> None:
    world = CrmWorld(Random(7), idempotent=False)
    for key in ("k1", "k2", "k2"):
        post(world, now, key)
    audit = world.snapshot()
    assert (audit["rows"], audit["leads"], audit["duplicate_rows"], audit["repeated_keys"]) == (2, 1, 1, 1)


def test_a_document_without_an_id_makes_a_row_per_key(open_crm: CrmWorld, now: Instant) -> None:
    for key in ("k1", "k2", "k1"):
        post(open_crm, now, key, b'{"data":{"name":"Madhu"}}')
    assert len(open_crm.rows) == 2


def test_leads_are_listed_in_pages(open_crm: CrmWorld, now: Instant) -> None:
    for number in range(5):
        post(open_crm, now, f"k{number}", document(f"lead-{number}"))
    first = get(open_crm, now, "/leads", "limit=3")
    second = get(open_crm, now, "/leads", f"limit=3&after={first['next']}")
    assert [lead["id"] for lead in first["items"] + second["items"]] == [f"lead-{number}" for number in range(5)]
    assert second["next"] is None
    assert get(open_crm, now, "/leads", "limit=-1") == 400


def test_stats_count_answers(open_crm: CrmWorld, now: Instant) -> None:
    open_crm.faults = Faults(script=(Scripted(status=503),))
    post(open_crm, now, "k1")
    post(open_crm, now, "k1")
    assert get(open_crm, now, "/stats")["answers"] == {"503": 1, "201": 1}


def test_a_signed_post_is_taken_and_any_other_is_401(crm: CrmWorld, now: Instant) -> None:
    key, body = read_secret(example_crm_secret()), document()
    timestamp = str(now // SECOND)
    headers = {
        "webhook-id": "k1",
        "webhook-timestamp": timestamp,
        "webhook-signature": sign(key, "k1", timestamp, body),
    }
    for name, value in (("webhook-id", "k2"), ("webhook-timestamp", "0"), ("webhook-signature", "v1,AAAA")):
        request = WorldRequest(method="POST", path="/leads", headers=headers | {name: value}, body=body)
        assert crm.handle(request, now).status == 401
    assert crm.handle(WorldRequest(method="POST", path="/leads", headers=headers, body=body + b" "), now).status == 401
    assert not crm.effects
    assert crm.handle(WorldRequest(method="POST", path="/leads", headers=headers, body=body), now).status == 201


@pytest.mark.parametrize("body", [b"", b"no json", b"[]", b'{"data":[]}', b'{"data":{"id":{}}}', b"\xff"])
def test_a_body_that_is_no_lead_is_400(open_crm: CrmWorld, now: Instant, body: bytes) -> None:
    request = WorldRequest(method="POST", path="/leads", headers={"webhook-id": "k"}, body=body)
    assert open_crm.handle(request, now).status == 400


def test_an_outage_lasts_its_window(open_crm: CrmWorld, now: Instant) -> None:
    outages = (
        Outage(from_at=now, until_at=now + MINUTE),
        Outage(from_at=now + 2 * MINUTE, until_at=now + 3 * MINUTE, status=0),
    )
    open_crm.faults = Faults(outages=outages)
    assert post(open_crm, now, "k1").status == 503
    assert post(open_crm, now + 2 * MINUTE, "k1").fault == "reset"
    assert not open_crm.effects
    assert post(open_crm, now + MINUTE, "k1").status == 201


def test_a_script_is_played_once_and_then_the_crm_is_healthy(open_crm: CrmWorld, now: Instant) -> None:
    told = (500, 422, 200, 410, 401)
    open_crm.faults = Faults(script=tuple(Scripted(status=status) for status in told))
    assert [post(open_crm, now, f"k{number}").status for number in range(6)] == [500, 422, 201, 410, 401, 200]


def test_retry_after_comes_in_both_forms(open_crm: CrmWorld, now: Instant) -> None:
    forms = (Scripted(status=429, retry_after_s=7), Scripted(status=429, retry_after_s=7, retry_after_as_date=True))
    open_crm.faults = Faults(script=forms)
    in_seconds, as_date = (
        post(open_crm, now, "k").headers["retry-after"],
        post(open_crm, now, "k").headers["retry-after"],
    )
    assert in_seconds == "7"
    assert from_datetime(parsedate_to_datetime(as_date)) == (now // SECOND + 7) * SECOND


def test_a_lost_reply_comes_after_the_work_and_a_reset_before_it(open_crm: CrmWorld, now: Instant) -> None:
    open_crm.faults = Faults(lost_reply_share=1.0)
    assert post(open_crm, now, "k1").fault == "lost_reply"
    assert len(open_crm.rows) == 1
    open_crm.faults = Faults(reset_share=1.0)
    assert post(open_crm, now, "k2", document("lead-2")).fault == "reset"
    open_crm.faults = Faults(hang_share=1.0)
    assert post(open_crm, now, "k2", document("lead-2")).fault == "hang"
    assert len(open_crm.rows) == 1


def test_an_error_can_hide_under_200(open_crm: CrmWorld, now: Instant) -> None:
    open_crm.faults = Faults(error_body_share=1.0)
    answer = post(open_crm, now, "k1")
    assert answer.status == 200
    assert json.loads(answer.body)["success"] is False
    assert not open_crm.effects


def test_a_poisoned_lead_is_422_and_the_others_pass(open_crm: CrmWorld, now: Instant) -> None:
    open_crm.faults = Faults(poison_leads=frozenset({"lead-1"}), poison_texts=("+919829123199",))
    assert post(open_crm, now, "k1").status == 422
    assert post(open_crm, now, "k2", document("lead-2", phone="+919829123199")).status == 422
    assert post(open_crm, now, "k3", document("lead-3")).status == 201


def test_slowness_is_told_to_the_server(open_crm: CrmWorld, now: Instant) -> None:
    open_crm.faults = Faults(latency_us=SECOND, drip_us=10)
    answer = post(open_crm, now, "k1")
    assert (answer.delay_us, answer.drip_us) == (SECOND, 10)
