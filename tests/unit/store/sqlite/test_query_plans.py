"""No statement that the flow of leads runs reads a whole table: its cost stays flat however much is stored."""

import re
from typing import Any

import pytest

from leadwire.store.sqlite.statements import load_statements

STATEMENTS = load_statements()
TABLES = {
    *{"attempts", "deliveries", "event_sources", "events", "fetches", "lead_keys", "leads", "merges", "past_documents"},
    *{"records", "d", "r", "k", "o", "n", "known"},
}
HOT = [
    *("event_log.append", "event_log.appended", "event_log.unresolved", "event_log.find", "event_log.prune"),
    *("event_log.requeue", "event_log.tally", "event_log.last_sequence"),
    *("lead_book.known", "lead_book.add_records", "lead_book.change_records", "lead_book.add_leads"),
    *("lead_book.keep_documents", "lead_book.change_leads", "lead_book.give_keys", "lead_book.add_words"),
    *("lead_book.change_words", "lead_book.put_merges", "lead_book.supersede", "lead_book.owe", "lead_book.withdraw"),
    *("lead_book.end_events", "lead_book.owe_fetches", "lead_book.end_fetches", "lead_book.last_record"),
    *("lead_book.lead", "lead_book.records", "lead_book.merges", "lead_book.erased", "lead_book.erase_events"),
    *("lead_book.erase_contexts", "lead_book.erase_records", "lead_book.erase_keys", "lead_book.erase_documents"),
    *("lead_book.erase_deliveries", "lead_book.erase_leads", "lead_book.count_updated", "lead_book.count_source"),
    *("fetch_queue.pick", "fetch_queue.lease", "fetch_queue.settle", "fetch_queue.requeue", "fetch_queue.next_due"),
    *("fetch_queue.tally", "fetch_queue.rescue", "fetch_queue.hasten"),
    *("delivery_queue.pick", "delivery_queue.lease", "delivery_queue.refused", "delivery_queue.note_attempts"),
    *("delivery_queue.settle", "delivery_queue.end_needless", "delivery_queue.note_lanes", "delivery_queue.lost"),
    *("delivery_queue.note_lost", "delivery_queue.take_back", "delivery_queue.hasten", "delivery_queue.next_due"),
    *("delivery_book.attempts", "delivery_book.tally", "delivery_book.prunable", "delivery_book.prune_attempts"),
    *("delivery_book.prune_documents", "delivery_book.prune", "delivery_book.replay", "delivery_book.supersede"),
    *("desk.entries", "desk.claim", "desk.release", "desk.contact", "desk.open", "desk.counts"),
]
# An index of the few rows in one state; a walk through it is a walk through what waits.
PARTIAL = {"events_waiting", "fetches_leased", "deliveries_leased", "deliveries_dead"}

PAGES = [
    ("delivery_book.page", ["where_dead"], "SCAN d USING INDEX deliveries_dead"),
    ("delivery_book.page", ["where_after"], "SEARCH d USING INDEX deliveries_age (owed_at<?)"),
    ("delivery_book.page", ["by_pending", "where_pending", "where_destination"], "deliveries_fresh (destination=?)"),
    ("delivery_book.page", ["by_ended", "where_superseded"], "SCAN d USING INDEX deliveries_ended"),
    ("delivery_book.page", ["where_ids"], "SEARCH d USING INDEX deliveries_id (id=?)"),
    ("delivery_book.page", ["where_lead_id", "where_pending"], "(lead_id=?)"),
    ("delivery_book.replayable", ["where_ids", "where_dead"], "SEARCH d USING INDEX deliveries_id (id=?)"),
    ("delivery_book.replayable", ["where_destination", "where_dead"], "SCAN d USING INDEX deliveries_dead"),
    ("delivery_book.drop", ["where_destination", "where_dead"], "SCAN d USING INDEX deliveries_dead"),
    ("event_log.page", ["where_quarantined", "where_after"], "events_waiting (state=? AND sequence<?)"),
    ("event_log.page", ["where_after"], "SEARCH events USING INTEGER PRIMARY KEY (rowid<?)"),
    ("fetch_queue.page", ["by_parked", "where_parked"], "SCAN fetches USING INDEX fetches_parked"),
    ("fetch_queue.page", ["by_age", "where_after"], "SEARCH fetches USING INDEX fetches_age (received_at<?)"),
    ("lead_book.page", ["by_id", "where_after"], "SEARCH l USING INDEX leads_id (id<?)"),
    ("lead_book.page", ["by_update", "where_since"], "SEARCH l USING INDEX leads_updated (updated_at>?)"),
    ("lead_book.page", ["where_text"], "SEARCH l USING INTEGER PRIMARY KEY (rowid=?)"),
    ("lead_book.page", ["where_rare_source"], "SEARCH l USING INDEX leads_id (id=?)"),
    ("desk.page", ["by_place", "where_before"], "leads_place ((received_at,id)<(?,?))"),
    ("desk.page", ["by_state", "where_claimed"], "SEARCH l USING INDEX leads_worked (desk_state=?)"),
    ("desk.page", ["where_rare_source"], "SEARCH l USING INDEX leads_id (id=?)"),
]


async def _plan(ledger: Any, name: str, fragments: list[str]) -> list[str]:
    text = STATEMENTS.text(name, fragments)
    parameters = dict.fromkeys(re.findall(r":(\w+)", text))

    def explain(session: Any) -> list[str]:
        rows = session.connection.execute(f"EXPLAIN QUERY PLAN {text}", parameters).fetchall()
        return [str(row[3]) for row in rows]

    plan: list[str] = await ledger._reader.read(explain)
    return plan


def _whole_tables(plan: list[str]) -> list[str]:
    found = []
    for line in plan:
        scan = re.fullmatch(r"SCAN (\w+)(?: USING (?:COVERING )?INDEX (\w+))?", line)
        if scan and scan[1] in TABLES and scan[2] not in PARTIAL:
            found.append(line)
    return found


@pytest.mark.parametrize("name", HOT)
async def test_a_statement_of_the_flow_reads_no_whole_table(ledger: Any, name: str) -> None:
    plan = await _plan(ledger, name, [])
    assert plan
    assert not any("AUTOMATIC" in line and " w " not in line and " k " not in line for line in plan), plan
    assert _whole_tables([line for line in plan if line not in _inner(name)]) == [], plan


def _inner(name: str) -> set[str]:
    """Names that stand for a subquery of the statement, not for a table."""
    text = STATEMENTS.text(name)
    names = {*re.findall(r"\) AS (\w+)", text), *re.findall(r"(?:FROM|JOIN) jsonb?_each\(:\w+\) AS (\w+)", text)}
    if name == "lead_book.known":
        names |= {"l"}
    return {f"SCAN {inner}" for inner in names}


async def test_the_check_sees_a_whole_table(ledger: Any) -> None:
    def explain(session: Any) -> list[str]:
        sql = "EXPLAIN QUERY PLAN SELECT * FROM deliveries AS d WHERE reason = 'x'"
        return [str(row[3]) for row in session.connection.execute(sql)]

    assert _whole_tables(await ledger._reader.read(explain)) == ["SCAN d"]


@pytest.mark.parametrize(("name", "fragments", "expected"), PAGES)
async def test_a_page_goes_along_an_index(ledger: Any, name: str, fragments: list[str], expected: str) -> None:
    plan = await _plan(ledger, name, fragments)
    assert any(expected in line for line in plan), plan
