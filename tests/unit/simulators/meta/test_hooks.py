import json
from itertools import pairwise

from leadwire.model.times import HOUR, MINUTE, SECOND, Instant
from leadwire.simulators.meta.book import SimLead
from leadwire.simulators.meta.faults import Faults
from leadwire.simulators.meta.signing import signature_headers
from leadwire.simulators.meta.world import MetaWorld
from leadwire.simulators.push import Push

ANSWERS = {"full_name": ["Zoë Müller"], "email": ["zoe@example.com"]}


def submit(meta: MetaWorld, now: Instant, count: int = 1) -> list[SimLead]:
    places = [(page.id, form.id) for page in meta.pages.values() for form in page.forms]
    return [meta.submit(*places[number % len(places)], now, ANSWERS) for number in range(count)]


def changes(push: Push) -> list[tuple[str, str, dict[str, object]]]:
    body = json.loads(push.body)
    assert body["object"] == "page"
    return [(entry["id"], change["field"], change["value"]) for entry in body["entry"] for change in entry["changes"]]


def announced(pushes: list[Push]) -> list[str]:
    return [str(value["leadgen_id"]) for push in pushes for _, field, value in changes(push) if field == "leadgen"]


def test_a_submitted_lead_is_pushed_with_its_ids_and_no_answers(meta: MetaWorld, now: Instant) -> None:
    (lead,) = submit(meta, now)
    (push,) = meta.notifications_due(now)
    expected = {"form_id": lead.form_id, "leadgen_id": lead.id, "created_time": now // SECOND, "page_id": lead.page_id}
    assert changes(push) == [(lead.page_id, "leadgen", expected)]
    assert b"zoe" not in push.body


def test_the_body_is_signed_as_it_is_sent(meta: MetaWorld, now: Instant) -> None:
    meta.faults = Faults(foreign_change_share=1.0)
    submit(meta, now)
    (push,) = meta.notifications_due(now)
    assert "feed" in [field for _, field, _ in changes(push)]
    assert push.body.isascii()
    assert push.headers["X-Hub-Signature-256"] == signature_headers(meta.app.secret, push.body)["X-Hub-Signature-256"]


def test_a_wrong_signature_can_be_switched_on(meta: MetaWorld, now: Instant) -> None:
    meta.faults = Faults(bad_signature_share=1.0)
    submit(meta, now)
    (push,) = meta.notifications_due(now)
    assert push.headers["X-Hub-Signature-256"] != signature_headers(meta.app.secret, push.body)["X-Hub-Signature-256"]


def test_an_acknowledged_push_is_not_sent_again(meta: MetaWorld, now: Instant) -> None:
    submit(meta, now)
    (push,) = meta.notifications_due(now)
    meta.acknowledge(push, 200, now)
    assert meta.next_push_at() is None
    assert meta.notifications_due(now + 48 * HOUR) == []


def test_a_push_in_flight_is_not_sent_twice(meta: MetaWorld, now: Instant) -> None:
    submit(meta, now)
    assert len(meta.notifications_due(now)) == 1
    assert meta.notifications_due(now + HOUR) == []


def test_anything_but_200_is_repeated_with_the_same_bytes_for_36_hours(meta: MetaWorld, now: Instant) -> None:
    submit(meta, now)
    (first,) = meta.notifications_due(now)
    push, sent_at, status = first, [now], [202, 500, None]
    at = now
    while True:
        meta.acknowledge(push, status[len(sent_at) % 3], at)
        due = meta.next_push_at()
        if due is None:
            break
        at = due
        (push,) = meta.notifications_due(at)
        assert (push.number, push.body, push.headers) == (first.number, first.body, first.headers)
        assert push.attempt == len(sent_at) + 1
        sent_at.append(at)
    waits = [later - earlier for earlier, later in pairwise(sent_at)]
    assert waits[0] == 0
    assert waits == sorted(waits)
    assert 30 * HOUR < sent_at[-1] - now <= 36 * HOUR
    assert meta.snapshot()["webhooks"]["given_up"] == 1


def test_a_post_carries_up_to_the_allowed_number_of_updates_in_entries_by_page(meta: MetaWorld, now: Instant) -> None:
    meta.faults = Faults(updates_per_post_max=1000)
    leads = submit(meta, now, count=3000)
    pushes = meta.notifications_due(now)
    sizes = [len(changes(push)) for push in pushes]
    assert max(sizes) <= 1000
    assert max(sizes) > 100
    assert sorted(announced(pushes)) == sorted(lead.id for lead in leads)
    entries = json.loads(max(pushes, key=lambda push: len(push.body)).body)["entry"]
    assert sorted(entry["id"] for entry in entries) == sorted(meta.pages)


def test_dropped_webhooks_are_never_sent_but_the_lead_exists(meta: MetaWorld, now: Instant) -> None:
    meta.faults = Faults(dropped_webhook_share=0.2)
    leads = submit(meta, now, count=1000)
    sent = set(announced(meta.notifications_due(now + HOUR)))
    dropped = {lead.id for lead in leads if lead.is_push_dropped}
    assert 150 < len(dropped) < 250
    assert sent == set(meta.leads) - dropped
    assert meta.snapshot()["webhooks_never_sent"] == len(dropped)


def test_duplicates_come_later_in_a_push_of_their_own(meta: MetaWorld, now: Instant) -> None:
    meta.faults = Faults(duplicate_webhook_share=1.0, duplicate_within_us=MINUTE)
    (lead,) = submit(meta, now)
    first = meta.notifications_due(now)
    second = meta.notifications_due(now + MINUTE)
    assert announced(first + second) == [lead.id, lead.id]
    assert first[0].number != second[-1].number


def test_a_jitter_sends_leads_out_of_order(meta: MetaWorld, now: Instant) -> None:
    meta.faults = Faults(webhook_delay_us=SECOND, webhook_delay_jitter_us=MINUTE)
    leads = submit(meta, now, count=20)
    assert meta.notifications_due(now) == []
    order = announced(meta.notifications_due(now + 2 * MINUTE))
    assert sorted(order) == sorted(lead.id for lead in leads)
    assert order != [lead.id for lead in leads]


def test_ids_can_come_as_numbers(meta: MetaWorld, now: Instant) -> None:
    meta.faults = Faults(numeric_id_share=1.0)
    (lead,) = submit(meta, now)
    ((_, _, value),) = changes(meta.notifications_due(now)[0])
    assert value["leadgen_id"] == int(lead.id)


def test_the_dashboard_sample_has_ids_that_no_lead_has(meta: MetaWorld, now: Instant) -> None:
    page_id = next(iter(meta.pages))
    meta.send_dashboard_sample(page_id, now)
    (sample,) = announced(meta.notifications_due(now))
    assert set(sample) == {"4"}
    assert sample not in meta.leads
