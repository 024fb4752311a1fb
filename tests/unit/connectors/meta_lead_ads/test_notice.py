"""Meta's webhooks: every change of every entry, whatever else stands in them."""

import pytest

from leadwire.connectors.meta_lead_ads.notice import read_notice
from leadwire.sdk import Ignored, Parsed, PayloadInvalid, Pointer, Unreadable

PAGE = "138124712925158"


def change(leadgen_id: object, **more: object) -> dict[str, object]:
    value = {
        "leadgen_id": leadgen_id,
        "page_id": PAGE,
        "form_id": "172036835026334",
        "created_time": 1630087926,
        **more,
    }
    return {"field": "leadgen", "value": value}


def entry(*changes: object, page_id: object = PAGE) -> dict[str, object]:
    return {"id": page_id, "time": 1630087927, "changes": list(changes)}


def read(*entries: object) -> list[Parsed]:
    return list(read_notice({"object": "page", "entry": list(entries)}, {PAGE}))


def ids(parsed: list[Parsed]) -> list[str]:
    return [each.native_id for each in parsed if isinstance(each, Pointer)]


def test_a_change_becomes_a_pointer_with_its_context() -> None:
    (pointer,) = read(entry(change("233370042045345", ad_id="12312312312", adgroup_id="12312312313")))
    assert pointer == Pointer(
        native_id="233370042045345",
        scope=PAGE,
        occurred_at=1_630_087_926_000_000,
        context={"form_id": "172036835026334", "ad_id": "12312312312", "adgroup_id": "12312312313", "page_id": PAGE},
    )


def test_all_of_a_thousand_changes_are_read_in_order() -> None:
    wanted = [str(10**14 + number) for number in range(1200)]
    halves = [entry(*(change(each) for each in wanted[:600])), entry(*(change(each) for each in wanted[600:]))]
    assert ids(read(*halves)) == wanted


def test_bare_numbers_are_ids_too_and_stay_exact() -> None:
    big = 123456789012345678901234567890
    (pointer,) = read(entry(change(big, page_id=int(PAGE), form_id=172036835026334)))
    assert isinstance(pointer, Pointer)
    assert (pointer.native_id, pointer.scope, pointer.context["form_id"]) == (str(big), PAGE, "172036835026334")


def test_a_page_that_is_not_configured_blocks_its_leads_and_says_what_to_do() -> None:
    (pointer,) = read(entry(change("7", page_id="99"), page_id="99"))
    assert isinstance(pointer, Pointer)
    assert pointer.blocked == "page 99 is not configured: add it to [[sources.NAME.pages]]"


def test_the_entry_names_the_page_where_the_change_does_not() -> None:
    (pointer,) = read(entry(change("7", page_id=None)))
    assert isinstance(pointer, Pointer)
    assert (pointer.scope, pointer.blocked) == (PAGE, None)


def test_other_fields_and_entries_are_ignored_and_cost_no_lead() -> None:
    parsed = read({"id": PAGE, "messaging": []}, entry({"field": "feed", "value": 1}, change("7")))
    assert [each for each in parsed if isinstance(each, Ignored)] == [Ignored("other entry"), Ignored("other field")]
    assert ids(parsed) == ["7"]


@pytest.mark.parametrize("leadgen_id", [None, "", "a/b", "../x", True, 1.5, [], "7" * 129, -7])
def test_a_change_without_a_readable_id_is_unreadable_and_costs_no_other(leadgen_id: object) -> None:
    parsed = read(entry(change(leadgen_id), change("8")))
    assert isinstance(parsed[0], Unreadable)
    assert ids(parsed) == ["8"]


@pytest.mark.parametrize(
    "broken", [None, 7, "x", [], {"id": PAGE, "changes": 7}, entry(None), entry({"field": "leadgen"})]
)
def test_a_broken_part_is_unreadable_and_costs_no_other(broken: object) -> None:
    parsed = read(broken, entry(change("8")))
    assert isinstance(parsed[0], Unreadable)
    assert ids(parsed) == ["8"]


def test_another_object_is_ignored() -> None:
    assert list(read_notice({"object": "instagram", "entry": [entry(change("7"))]}, {PAGE})) == [
        Ignored("other object")
    ]


def test_the_bare_shape_of_older_tools_is_read() -> None:
    (pointer,) = read_notice(change("7"), {PAGE})
    assert isinstance(pointer, Pointer)
    assert pointer.blocked is None


def test_the_dashboard_sample_is_counted_and_not_fetched() -> None:
    assert read(entry(change("444444444444", page_id="444444444444"))) == [Ignored("dashboard sample")]


@pytest.mark.parametrize("payload", [None, 7, "x", [], {"object": "page"}, {"object": "page", "entry": {}}])
def test_what_is_no_webhook_is_payload_invalid(payload: object) -> None:
    with pytest.raises(PayloadInvalid):
        list(read_notice(payload, {PAGE}))
