"""Resolving: whose lead a record is, what changes, and what is owed because of it."""

import itertools
from collections.abc import Sequence
from functools import partial

import msgspec
import pytest

from leadwire.model.changes import Known
from leadwire.model.errors import NothingToSplit
from leadwire.model.lead import Lead
from leadwire.model.record import Attribution, Call, Record, RecordKey, StoredRecord
from leadwire.model.times import SECOND
from leadwire.rules.identity import IdentityPolicy
from leadwire.rules.mapping import Mapping
from leadwire.rules.resolution import Incoming, Outcome, Resolution, SourcePolicy
from leadwire.rules.routing import Route

NOW = 1_750_000_000 * SECOND
POLICIES = {
    "meta": SourcePolicy(identity=IdentityPolicy(region="IN")),
    "calls": SourcePolicy(identity=IdentityPolicy(region="IN")),
    "table": SourcePolicy(identity=IdentityPolicy(is_on=False)),
    "strict": SourcePolicy(identity=IdentityPolicy(region="IN"), test_leads="drop"),
    "loud": SourcePolicy(identity=IdentityPolicy(region="IN"), test_leads="deliver"),
}
CRM = Route(
    sync="crm", destination="crm", sources=frozenset(POLICIES), mapping=Mapping.compile(None, None), grain="lead"
)
CHAT = Route(
    sync="chat", destination="chat", sources=frozenset({"meta"}), mapping=Mapping.compile(None, None), grain="record"
)
PHONE = "+919812345678"
OTHER_PHONE = "+919898989898"


class Book:
    """What a lead book would know, kept by hand: enough to feed one outcome into the next resolution."""

    def __init__(self, routes: Sequence[Route] = (CRM,)) -> None:
        self.leads: dict[str, Lead] = {}
        self.records: dict[RecordKey, StoredRecord] = {}
        self.owners: dict[str, str] = {}
        self._routes = routes
        self._numbers = itertools.count(1)
        self._sequence = itertools.count(1)

    def known(self) -> Known:
        keys: dict[str, list[str]] = {lead_id: [] for lead_id in self.leads}
        for key, owner in self.owners.items():
            keys[owner].append(key)
        alive = [lead for lead in self.leads.values() if lead.merged_into is None]
        return Known(leads=alive, records=list(self.records.values()), owners=dict(self.owners), keys=keys)

    def resolution(self) -> Resolution:
        return Resolution(self.known(), POLICIES, self._routes, lambda: f"lead{next(self._numbers):03}", NOW)

    def take(self, *incoming: Incoming) -> Outcome:
        resolution = self.resolution()
        for item in incoming:
            resolution.take(item)
        return self.keep(resolution.outcome())

    def keep(self, outcome: Outcome) -> Outcome:
        for change in outcome.absorption.leads:
            held = self.leads.get(change.lead.id)
            assert change.previous_version == (held.version if held else 0)
            self.leads[change.lead.id] = change.lead
            self.owners.update(dict.fromkeys(change.keys, change.lead.id))
        for record_change in outcome.absorption.records:
            record = record_change.record
            known = self.records.get(record.key)
            assert record_change.previous == (known.fingerprint if known else None)
            sequence = known.sequence if known else next(self._sequence)
            self.records[record.key] = msgspec.structs.replace(record, sequence=sequence)
        return outcome

    def document(self, lead_id: str) -> dict[str, object]:
        content = msgspec.json.decode(self.leads[lead_id].document)
        assert isinstance(content, dict)
        return content


def form(native_id: str, *, source: str = "meta", at: int = NOW, **fields: object) -> Incoming:
    record = msgspec.convert({"native_id": native_id, "kind": "form", "occurred_at": at, **fields}, Record)
    return Incoming(source=source, via="webhook", received_at=at, record=record)


def call(native_id: str, phone: str, *, at: int = NOW) -> Incoming:
    record = Record(native_id=native_id, kind="call", occurred_at=at, phone=phone, call=Call(answered=False))
    return Incoming(source="calls", via="webhook", received_at=at, record=record)


def test_a_form_and_a_call_from_one_phone_are_one_lead_with_two_records() -> None:
    book = Book()
    first = book.take(form("1", full_name="Asha", phone="098123 45678", email="Asha@Example.com"))
    second = book.take(call("c1", PHONE, at=NOW + SECOND))
    assert first.new_leads == ["lead001"]
    assert second.new_leads == []
    document = book.document("lead001")
    assert document["version"] == 2
    assert document["phone"] == PHONE
    assert document["email"] == "asha@example.com"
    assert document["full_name"] == "Asha"
    assert document["call"] == {
        "direction": None, "duration_s": None, "answered": False, "agent": None, "recording_url": None, "number": None,
    }  # fmt: skip
    assert kinds(document) == ["form", "call"]


def kinds(document: dict[str, object]) -> list[str]:
    records = document["records"]
    assert isinstance(records, list)
    return [line["kind"] for line in records]


def test_a_duplicate_makes_no_version_and_no_delivery() -> None:
    book = Book()
    book.take(form("1", phone=PHONE))
    again = book.take(form("1", phone=PHONE))
    assert again.duplicates == 1
    assert again.absorption.leads == []
    assert again.absorption.deliveries == []


def test_an_observed_change_of_content_makes_one_version_and_one_delivery() -> None:
    book = Book()
    book.take(call("c1", PHONE))
    later = Incoming(
        source="calls",
        via="poll",
        received_at=NOW + SECOND,
        record=Record(native_id="c1", kind="call", occurred_at=NOW, call=Call(recording_url="https://r.example/1")),
    )
    outcome = book.take(later)
    assert [delivery.id for delivery in outcome.absorption.deliveries] == ["lead001_2_crm"]
    call_fields = book.document("lead001")["call"]
    assert isinstance(call_fields, dict)
    assert call_fields["recording_url"] == "https://r.example/1"
    assert call_fields["answered"] is False, "what only the first observation said is kept"


def test_a_repeat_enquiry_is_a_new_record_on_the_same_lead() -> None:
    book = Book()
    book.take(form("1", phone=PHONE))
    outcome = book.take(form("2", phone=PHONE, at=NOW + SECOND))
    assert outcome.changed_leads == ["lead001"]
    assert kinds(book.document("lead001")) == ["form", "form"]


def test_two_records_of_one_person_in_one_step_are_one_lead_at_version_one() -> None:
    book = Book()
    outcome = book.take(form("1", phone=PHONE), call("c1", PHONE))
    assert outcome.new_leads == ["lead001"]
    assert book.leads["lead001"].version == 1


def test_an_older_record_that_arrives_late_overwrites_nothing_newer() -> None:
    book = Book()
    book.take(form("2", phone=PHONE, city="Pune", at=NOW))
    book.take(form("1", phone=PHONE, city="Goa", full_name="Asha", at=NOW - 60 * SECOND))
    document = book.document("lead001")
    assert document["city"] == "Pune"
    assert document["full_name"] == "Asha", "what only the older one says is kept"


def test_a_newer_enquiry_brings_its_whole_attribution() -> None:
    book = Book()
    book.take(form("1", phone=PHONE, attribution={"campaign_id": "c1", "ad_id": "a1"}))
    book.take(form("2", phone=PHONE, attribution={"campaign_id": "c2"}, at=NOW + SECOND))
    assert book.document("lead001")["attribution"] == {"campaign_id": "c2"}
    book.take(call("c1", PHONE, at=NOW + 2 * SECOND))
    assert book.document("lead001")["attribution"] == {"campaign_id": "c2"}, "a call without one keeps it"


def test_a_record_that_connects_two_leads_merges_the_younger_into_the_older() -> None:
    book = Book()
    book.take(call("c1", PHONE))
    book.take(form("1", email="asha@example.com"))
    outcome = book.take(form("2", email="asha@example.com", phone=PHONE))
    assert book.leads["lead002"].merged_into == "lead001"
    assert book.owners == {f"phone:{PHONE}": "lead001", "email:asha@example.com": "lead001"}
    assert {record.lead_id for record in book.records.values()} == {"lead001"}
    merge = outcome.absorption.merges[0]
    assert (merge.kept, merge.absorbed) == ("lead001", "lead002")
    assert merge.reason == "one record carries the email and the phone of both"
    assert "@" not in merge.reason
    assert [w.lead_id for w in outcome.absorption.withdrawals] == ["lead002"]
    assert [d.id for d in outcome.absorption.deliveries] == ["lead001_2_crm"]


def test_a_merge_takes_no_record_back_from_a_destination_that_wants_every_record() -> None:
    book = Book([CHAT, CRM])
    book.take(call("c1", PHONE))
    book.take(form("1", email="asha@example.com"))
    outcome = book.take(form("2", email="asha@example.com", phone=PHONE))
    assert book.leads["lead002"].merged_into == "lead001"
    assert [w.sync for w in outcome.absorption.withdrawals] == ["crm"], "the form of lead002 is still owed to the chat"


def test_two_whole_identities_are_not_merged_by_a_record_that_connects_them() -> None:
    book = Book()
    book.take(form("1", phone=PHONE, email="one@example.com"))
    book.take(form("2", phone=OTHER_PHONE, email="two@example.com"))
    book.take(form("3", phone=PHONE, email="two@example.com"))
    assert all(lead.merged_into is None for lead in book.leads.values())
    assert book.records[RecordKey("meta", "3")].lead_id == "lead001", "the phone decides"


def test_a_lead_takes_no_more_keys_than_a_person_has() -> None:
    book = Book()
    policy = SourcePolicy(identity=IdentityPolicy(region="IN", keys_per_lead_max=2))
    for number in range(4):
        resolution = Resolution(book.known(), {"meta": policy}, (CRM,), partial("new{}".format, number), NOW)
        resolution.take(form(str(number), phone=PHONE, email=f"agent{number}@example.com"))
        book.keep(resolution.outcome())
    assert book.records[RecordKey("meta", "1")].lead_id == "new0"
    assert book.records[RecordKey("meta", "2")].lead_id == "new2", "a third e-mail on one phone is another person"


def test_rows_of_a_table_are_leads_of_their_own() -> None:
    book = Book()
    first = form("1", source="table", phone=PHONE)
    second = form("2", source="table", phone=PHONE)
    assert book.take(first, second).new_leads == ["lead001", "lead002"]
    assert book.owners == {}


@pytest.mark.parametrize(
    ("source", "leads", "deliveries"),
    [("meta", 1, 0), ("strict", 0, 0), ("loud", 1, 1)],
    ids=["flag", "drop", "deliver"],
)
def test_test_leads_are_flagged_dropped_or_delivered(source: str, leads: int, deliveries: int) -> None:
    book = Book()
    outcome = book.take(form("1", source=source, phone=PHONE, is_test=True))
    assert len(outcome.new_leads) == leads
    assert len(outcome.absorption.deliveries) == deliveries
    assert outcome.dropped == 1 - leads


def test_test_leads_never_merge_with_a_person() -> None:
    book = Book()
    book.take(form("1", phone=PHONE))
    book.take(form("2", phone=PHONE, is_test=True))
    assert len(book.leads) == 2


def test_a_where_that_no_longer_wants_a_lead_takes_the_delivery_back() -> None:
    mapping = Mapping.compile(None, "city == 'Pune'")
    route = Route(sync="pune", destination="crm", sources=frozenset({"meta"}), mapping=mapping)
    book = Book([route])
    assert len(book.take(form("1", phone=PHONE, city="Pune")).absorption.deliveries) == 1
    outcome = book.take(form("2", phone=PHONE, city="Goa", at=NOW + SECOND))
    assert outcome.absorption.deliveries == []
    assert [(w.sync, w.lead_id) for w in outcome.absorption.withdrawals] == [("pune", "lead001")]


def test_a_where_that_fails_makes_a_dead_letter_and_not_a_silent_skip() -> None:
    mapping = Mapping.compile(None, "length(full_name) > `1`")
    route = Route(sync="odd", destination="crm", sources=frozenset({"meta"}), mapping=mapping)
    deliveries = Book([route]).take(form("1", phone=PHONE)).absorption.deliveries
    assert [delivery.state for delivery in deliveries] == ["dead"]
    assert "length" in (deliveries[0].reason or "")


def test_grain_record_owes_one_delivery_per_new_record_only() -> None:
    book = Book([CHAT])
    first = book.take(form("1", phone=PHONE)).absorption.deliveries
    second = book.take(call("c1", PHONE)).absorption.deliveries
    third = book.take(form("2", phone=PHONE, at=NOW + SECOND)).absorption.deliveries
    assert [delivery.record_native_id for delivery in [*first, *second, *third]] == ["1", "2"]


def test_a_delivery_id_is_safe_as_a_webhook_id_whatever_the_native_id() -> None:
    deliveries = Book([CHAT, CRM]).take(form("a.b/c \u0930", phone=PHONE)).absorption.deliveries
    for delivery in deliveries:
        assert set(delivery.id) <= set("abcdefghijklmnopqrstuvwxyz0123456789_-")


def test_a_split_gives_records_back_and_the_two_never_merge_by_themselves_again() -> None:
    book = Book()
    book.take(call("c1", PHONE))
    book.take(form("1", email="kid@example.com"))
    book.take(form("2", email="kid@example.com", phone=PHONE))
    former = book.leads["lead002"]
    resolution = book.resolution()
    other = resolution.separate("lead001", {RecordKey("meta", "1")}, former)
    book.keep(resolution.outcome())
    assert other == "lead002"
    assert book.leads["lead002"].merged_into is None
    assert book.leads["lead002"].version == former.version + 1
    assert book.owners["email:kid@example.com"] == "lead002", "a key goes with the oldest record that carries it"
    assert book.owners[f"phone:{PHONE}"] == "lead001"
    book.take(form("3", email="kid@example.com", phone=PHONE))
    assert all(lead.merged_into is None for lead in book.leads.values())


def test_a_split_that_would_leave_a_side_empty_is_refused() -> None:
    book = Book()
    book.take(form("1", phone=PHONE))
    for moved in (set[RecordKey](), {RecordKey("meta", "1")}, {RecordKey("meta", "9")}):
        with pytest.raises(NothingToSplit):
            book.resolution().separate("lead001", moved, None)


def test_names_go_together() -> None:
    book = Book()
    book.take(form("1", phone=PHONE, first_name="Asha", last_name="Rao"))
    assert book.document("lead001")["full_name"] == "Asha Rao"
    book.take(form("2", phone=PHONE, full_name="A. Rao", at=NOW + SECOND))
    document = book.document("lead001")
    assert (document["full_name"], document["first_name"]) == ("A. Rao", None)


def test_the_lead_document_has_every_standard_field_even_when_empty() -> None:
    book = Book()
    book.take(form("1", answers={"colour": ["red", "blue"]}))
    document = book.document("lead001")
    assert set(document) == {
        "id", "version", "created_at", "updated_at", "is_test", "full_name", "first_name", "last_name", "email", "phone",
        "city", "country", "company", "answers", "attribution", "call", "activity", "records",
    }  # fmt: skip
    assert document["answers"] == {"colour": ["red", "blue"]}
    assert document["records"] == [
        {
            "source": "meta",
            "native_id": "1",
            "kind": "form",
            "occurred_at": "2025-06-15T15:06:40Z",
            "received_at": "2025-06-15T15:06:40Z",
            "via": "webhook",
        }
    ]


def test_the_platform_of_an_attribution_is_kept() -> None:
    book = Book()
    book.take(form("1", attribution=msgspec.to_builtins(Attribution(platform="ig", organic=True))))
    assert book.document("lead001")["attribution"] == {"platform": "ig", "organic": True}
