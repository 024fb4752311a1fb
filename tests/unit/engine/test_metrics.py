"""Metrics: what is counted of what the services tell, and the lags behind the plot."""

import msgspec
import pytest

from leadwire.engine.figures import EngineView, Tallies
from leadwire.engine.lags import HOPS_MAX, MINUTES_KEPT, LagSeries
from leadwire.engine.metrics import Metrics, Sample
from leadwire.engine.observer import EventParsed
from leadwire.model.changes import Absorption, RecordChange
from leadwire.model.delivery import Attempt, AttemptOutcome, ClaimedDelivery, OwedDelivery, Settlement
from leadwire.model.record import Record, StoredRecord, Via
from leadwire.model.times import HOUR, MINUTE, SECOND, Instant
from leadwire.ports.delivery_queue import LaneTally
from leadwire.ports.event_log import SourceTally
from leadwire.ports.fetch_queue import FetchTally
from leadwire.ports.ledger import StoreHealth
from leadwire.rules.resolution import Outcome

NOW: Instant = 1_772_000_040 * SECOND


def _lines(metrics: Metrics, sample: Sample | None = None) -> list[str]:
    return metrics.exposition(sample or Sample(now=NOW)).decode().splitlines()


def _record(via: Via, age: Instant, previous: str | None = None, source: str = "meta") -> RecordChange:
    record = StoredRecord(
        sequence=1,
        source=source,
        lead_id="l",
        via=via,
        received_at=NOW,
        stored_at=NOW,
        content=Record(native_id="1", kind="form", occurred_at=NOW - age),
        fingerprint="f",
    )
    return RecordChange(record=record, previous=previous)


def _resolved(*records: RecordChange) -> Outcome:
    return Outcome(
        absorption=Absorption(records=records), new_leads=["a"], changed_leads=["a", "b"], duplicates=3, dropped=1
    )


def test_what_was_resolved_is_counted() -> None:
    metrics = Metrics()
    metrics.resolved(_resolved(_record("webhook", 2 * SECOND)), [NOW - SECOND], NOW)
    lines = _lines(metrics)
    assert 'leadwire_leads_total{change="new"} 1.0' in lines
    assert 'leadwire_leads_total{change="changed"} 1.0' in lines
    assert "leadwire_known_records_total 3.0" in lines
    assert "leadwire_dropped_test_records_total 1.0" in lines
    assert 'leadwire_lag_seconds_sum{destination="",hop="received"} 2.0' in lines
    assert 'leadwire_lag_seconds_sum{destination="",hop="resolved"} 1.0' in lines


@pytest.mark.parametrize(
    ("change", "is_repair"),
    [
        (_record("poll", 5 * MINUTE), True),
        (_record("reconcile", HOUR), True),
        (_record("poll", 20 * SECOND), False),
        (_record("webhook", 5 * MINUTE), False),
        (_record("poll", 5 * MINUTE, previous="f0"), False),
        (_record("poll", 5 * MINUTE, source="warehouse"), False),
    ],
)
def test_a_lead_that_the_webhook_should_have_brought_is_a_repair(change: RecordChange, is_repair: bool) -> None:
    metrics = Metrics(pushing=["meta"])
    metrics.resolved(_resolved(change), [], NOW)
    assert any(line.startswith("leadwire_repairs_total{") for line in _lines(metrics)) == is_repair


@pytest.mark.parametrize(("outcome", "lags"), [("delivered", 1), ("rejected", 0), ("unknown", 0)])
def test_a_try_is_counted_by_outcome_and_only_a_delivery_has_a_lag(outcome: AttemptOutcome, lags: int) -> None:
    metrics = Metrics()
    delivery = OwedDelivery(
        id="d",
        sync="s",
        destination="crm",
        lead_id="l",
        version=1,
        owed_at=NOW,
        received_at=NOW - SECOND,
        not_before=NOW,
        updated_at=NOW,
    )
    attempt = Attempt(delivery_id="d", number=1, started_at=NOW, duration_us=500_000, outcome=outcome)
    settlement = Settlement(delivery_id="d", epoch=1, state="delivered", not_before=NOW, attempt=attempt)
    claimed = ClaimedDelivery(delivery=delivery, document=msgspec.Raw(b"{}"), is_first=True)
    metrics.attempted(claimed, settlement)
    metrics.attempted(claimed, msgspec.structs.replace(settlement, attempt=None))
    lines = _lines(metrics)
    assert f'leadwire_attempts_total{{destination="crm",outcome="{outcome}"}} 1.0' in lines
    assert 'leadwire_attempt_seconds_sum{destination="crm"} 0.5' in lines
    assert ('leadwire_lag_seconds_sum{destination="crm",hop="delivered"} 1.5' in lines) == bool(lags)


def test_the_rest_of_what_the_services_tell_is_counted() -> None:
    metrics = Metrics()
    metrics.parsed(EventParsed(source="meta", sequence=1))
    metrics.parsed(EventParsed(source="meta", sequence=2, reason="odd"))
    metrics.fetched("meta", "record", 4, 250_000)
    metrics.lane_changed("crm", "breaker:open", "")
    metrics.alerted("crm", "because")
    metrics.rescued("deliveries", 2)
    metrics.crashed("web", ValueError())
    metrics.live_readers(3, 1)
    expected = {
        'leadwire_events_parsed_total{outcome="read",source="meta"} 1.0',
        'leadwire_events_parsed_total{outcome="quarantined",source="meta"} 1.0',
        'leadwire_fetched_total{outcome="record",source="meta"} 4.0',
        'leadwire_fetch_seconds_sum{source="meta"} 0.25',
        'leadwire_lane_changes_total{state="breaker:open",subject="crm"} 1.0',
        "leadwire_alerts_total 1.0",
        'leadwire_rescues_total{what="deliveries"} 2.0',
        'leadwire_crashes_total{service="web"} 1.0',
        "leadwire_live_readers 3.0",
        "leadwire_live_resyncs_total 1.0",
    }
    assert expected <= set(_lines(metrics))


def test_the_figures_of_the_ledger_are_read_at_the_scrape() -> None:
    sample = Sample(
        now=NOW,
        view=EngineView(last_poll_at={"meta": NOW}, breakers={"crm": "half_open"}, stored_events=9, duplicate_events=2),
        tallies=Tallies(
            lanes={"crm": LaneTally(destination="crm", due=4, oldest_due_at=NOW - HOUR, dead=1)},
            sources={"meta": SourceTally(source="meta", oldest_unresolved_at=NOW - MINUTE, quarantined=2)},
            fetches={"meta": FetchTally(source="meta", due=3, parked=1)},
        ),
        health=StoreHealth(writable=True, wal_bytes=4096, disk_free_bytes=10**9, commits=7, commit_seconds_total=0.5),
    )
    expected = {
        "leadwire_acks_total 9.0",
        "leadwire_duplicate_events_total 2.0",
        'leadwire_last_poll_timestamp_seconds{source="meta"} 1.77200004e+09',
        'leadwire_breaker_state{destination="crm"} 1.0',
        'leadwire_owed_deliveries{destination="crm"} 4.0',
        'leadwire_oldest_undelivered_age_seconds{destination="crm"} 3600.0',
        'leadwire_dead_letters{destination="crm"} 1.0',
        'leadwire_oldest_unresolved_age_seconds{source="meta"} 60.0',
        'leadwire_quarantined_events{source="meta"} 2.0',
        'leadwire_owed_fetches{source="meta"} 3.0',
        'leadwire_parked_fetches{source="meta"} 1.0',
        "leadwire_store_writable 1.0",
        "leadwire_wal_bytes 4096.0",
        "leadwire_disk_free_bytes 1e+09",
        "leadwire_commits_total 7.0",
        "leadwire_commit_seconds_total 0.5",
    }
    assert expected <= set(_lines(Metrics(), sample))


@pytest.mark.parametrize("lag_s", [0.0, 0.0005, 0.001, 0.0123, 1.0, 59.0, 86_400.0, 30 * 86_400.0])
def test_a_lag_is_remembered_at_most_a_fifth_too_long(lag_s: float) -> None:
    series = LagSeries()
    series.note("received", round(lag_s * SECOND), NOW)
    point = series.last_hour(NOW)["received"]
    assert point.count == 1
    assert max(lag_s, 0.001) * 0.999 <= point.p50_s <= max(lag_s, 0.001) * 1.195


def test_percentiles_are_of_the_counts() -> None:
    series = LagSeries()
    for _ in range(94):
        series.note("received", SECOND, NOW)
    for _ in range(6):
        series.note("received", 100 * SECOND, NOW)
    point = series.last_hour(NOW)["received"]
    assert point.p50_s < 1.2
    assert point.p95_s > 99


def test_the_last_hour_ends_and_memory_is_bounded() -> None:
    series = LagSeries()
    for minute in range(MINUTES_KEPT + 50):
        series.note("received", SECOND, NOW + minute * MINUTE)
    for number in range(HOPS_MAX + 5):
        series.note(f"delivered:{number}", SECOND, NOW)
    end = NOW + (MINUTES_KEPT + 49) * MINUTE
    assert series.last_hour(end)["received"].count == 60
    points = series.points(end)
    assert len(points["received"]) == MINUTES_KEPT
    assert points["received"][0].at < points["received"][-1].at
    assert len(points) == HOPS_MAX
