"""What leadwire counts and measures: one registry, base units, no lead data, no ids as labels.

`Metrics` is an `Observer`, so all that the services tell is counted; figures of the ledger and of the doors are read at the
scrape. Every metric is described in docs/metrics.md; a test keeps the two equal.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping

import msgspec
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from leadwire.engine.figures import EngineView, Tallies
from leadwire.engine.lags import LagSeries
from leadwire.engine.observer import EventParsed
from leadwire.model.delivery import ClaimedDelivery, Settlement
from leadwire.model.times import MINUTE, SECOND, Instant
from leadwire.ports.ledger import StoreHealth
from leadwire.rules.resolution import Outcome

LAG_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200, 86400)
TRY_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30, 60)
REPAIR_AFTER = MINUTE
_BREAKER_STATES = {"closed": 0.0, "half_open": 1.0, "open": 2.0}


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """What a scrape reads of the engine and its ledger."""

    now: Instant = 0
    view: EngineView = EngineView()
    tallies: Tallies = Tallies()
    health: StoreHealth = StoreHealth(writable=False)


class Metrics:
    """The one registry of a process, and an Observer. Every method returns at once and never raises.

    `pushing` names the sources that push: a lead that a poll finds first there is a repair.
    """

    def __init__(self, pushing: Collection[str] = ()) -> None:
        self._pushing = frozenset(pushing)
        self._registry = CollectorRegistry()
        self._sampled = _Sampled()
        self._registry.register(self._sampled)
        self.lags = LagSeries()
        self._add_incoming()
        self._add_outgoing()
        self._add_house()

    def _add_incoming(self) -> None:
        registry = self._registry
        self._parsed = Counter("leadwire_events_parsed", "Events taken apart", ["source", "outcome"], registry=registry)
        self._fetched = Counter("leadwire_fetched", "Ids read from a source", ["source", "outcome"], registry=registry)
        self._fetch_s = Histogram(
            "leadwire_fetch_seconds", "How long a read of ids took", ["source"], buckets=TRY_BUCKETS, registry=registry
        )
        self._leads = Counter("leadwire_leads", "Leads that became new or changed", ["change"], registry=registry)
        self._known = Counter("leadwire_known_records", "Records that said nothing new", registry=registry)
        self._dropped = Counter("leadwire_dropped_test_records", "Test leads left out by a setting", registry=registry)
        self._repairs = Counter(
            "leadwire_repairs",
            "Leads that something else found before the webhook",
            ["source", "via"],
            registry=registry,
        )

    def _add_outgoing(self) -> None:
        registry = self._registry
        self._attempts = Counter("leadwire_attempts", "Tries", ["destination", "outcome"], registry=registry)
        self._attempt_s = Histogram(
            "leadwire_attempt_seconds", "How long a try took", ["destination"], buckets=TRY_BUCKETS, registry=registry
        )
        self._changes = Counter("leadwire_lane_changes", "Pauses and breakers", ["subject", "state"], registry=registry)
        self._lag_s = Histogram(
            "leadwire_lag_seconds", "How late, by hop", ["hop", "destination"], buckets=LAG_BUCKETS, registry=registry
        )

    def _add_house(self) -> None:
        registry = self._registry
        self._rescues = Counter("leadwire_rescues", "Leases taken back", ["what"], registry=registry)
        self._alerts = Counter("leadwire_alerts", "What needed a human", registry=registry)
        self._crashes = Counter("leadwire_crashes", "Unforeseen failures of a step", ["service"], registry=registry)
        self._readers = Gauge("leadwire_live_readers", "Open live connections", registry=registry)
        self._resyncs = Counter("leadwire_live_resyncs", "Live readers that were too slow", registry=registry)

    def parsed(self, event: EventParsed) -> None:
        """An event was taken apart."""
        self._parsed.labels(event.source, "quarantined" if event.reason else "read").inc()

    def resolved(self, outcome: Outcome, received_at: list[Instant], now: Instant) -> None:
        """Records became leads."""
        new = len(outcome.new_leads)
        self._leads.labels("new").inc(new)
        self._leads.labels("changed").inc(max(0, len(outcome.changed_leads) - new))
        self._known.inc(outcome.duplicates)
        self._dropped.inc(outcome.dropped)
        for change in outcome.absorption.records:
            record = change.record
            occurred_at = record.content.occurred_at
            if change.previous is not None or occurred_at is None:
                continue
            self._lag("received", "", record.received_at - occurred_at, now)
            is_late = record.received_at - occurred_at > REPAIR_AFTER
            if is_late and record.source in self._pushing and record.via in ("poll", "reconcile"):
                self._repairs.labels(record.source, record.via).inc()
        for instant in received_at:
            self._lag("resolved", "", now - instant, now)

    def fetched(self, source: str, outcome: str, count: int, duration_us: int) -> None:
        """A batch of ids was read."""
        self._fetched.labels(source, outcome).inc(count)
        self._fetch_s.labels(source).observe(duration_us / SECOND)

    def attempted(self, claimed: ClaimedDelivery, settlement: Settlement) -> None:
        """A try at a delivery ended."""
        attempt = settlement.attempt
        if attempt is None:
            return
        delivery = claimed.delivery
        self._attempts.labels(delivery.destination, attempt.outcome).inc()
        self._attempt_s.labels(delivery.destination).observe(attempt.duration_us / SECOND)
        if attempt.outcome == "delivered":
            ended_at = attempt.started_at + attempt.duration_us
            self._lag("delivered", delivery.destination, ended_at - delivery.received_at, ended_at)

    def lane_changed(self, destination: str, state: str, reason: str) -> None:  # noqa: ARG002 - the port gives it
        """A lane opened, closed, paused or resumed."""
        self._changes.labels(destination, state).inc()

    def alerted(self, subject: str, reason: str) -> None:  # noqa: ARG002 - the port gives it
        """Something needs a human."""
        self._alerts.inc()

    def rescued(self, what: str, count: int) -> None:
        """Leases that ran out were taken back."""
        self._rescues.labels(what).inc(count)

    def crashed(self, service: str, error: BaseException) -> None:  # noqa: ARG002 - the port gives it
        """A step failed in a way nobody foresaw."""
        self._crashes.labels(service).inc()

    def touched(self, lag: Instant, now: Instant) -> None:
        """A rep took a lead, this long after it was received."""
        self._lag("first_touch", "", lag, now)

    def live_readers(self, count: int, resyncs: int) -> None:
        """So many read along now, and so many of them just proved too slow."""
        self._readers.set(count)
        self._resyncs.inc(resyncs)

    def _lag(self, hop: str, destination: str, lag: Instant, now: Instant) -> None:
        lag = max(lag, 0)
        self._lag_s.labels(hop, destination).observe(lag / SECOND)
        self.lags.note(f"{hop}:{destination}" if destination else hop, lag, now)

    def exposition(self, sample: Sample) -> bytes:
        """All of it in the Prometheus text format 0.0.4."""
        self._sampled.sample = sample
        return generate_latest(self._registry)

    def names(self) -> Iterator[str]:
        """The names of all metrics as they are exposed, without the suffixes of histograms."""
        for family in self._registry.collect():
            yield f"{family.name}_total" if family.type == "counter" else family.name


class _Sampled(Collector):
    """The figures that are read at the scrape."""

    def __init__(self) -> None:
        self.sample = Sample()

    def collect(self) -> Iterable[Metric]:
        yield from self._doors()
        yield from self._queues()
        yield from self._lanes()
        yield from self._store()

    def _doors(self) -> Iterator[Metric]:
        view = self.sample.view
        stored = CounterMetricFamily("leadwire_acks", "Webhook calls answered 2xx after they were on disk")
        stored.add_metric([], view.stored_events)
        yield stored
        known = CounterMetricFamily("leadwire_duplicate_events", "Webhook calls that were known already")
        known.add_metric([], view.duplicate_events)
        yield known
        refusals = CounterMetricFamily("leadwire_refusals", "Webhook calls turned away", labels=["source", "reason"])
        for labels, count in view.refusals.items():
            refusals.add_metric(labels, count)
        yield refusals
        polls = {source: instant / SECOND for source, instant in view.last_poll_at.items()}
        yield _gauge("leadwire_last_poll_timestamp_seconds", "When a source was last polled", "source", polls)

    def _queues(self) -> Iterator[Metric]:
        tallies = self.sample.tallies
        ages = {name: self._age_s(tally.oldest_unresolved_at) for name, tally in tallies.sources.items()}
        quarantined = {name: tally.quarantined for name, tally in tallies.sources.items()}
        parked = {name: tally.parked for name, tally in tallies.fetches.items()}
        due = {name: tally.due for name, tally in tallies.fetches.items()}
        yield _gauge("leadwire_oldest_unresolved_age_seconds", "Age of the oldest event not resolved", "source", ages)
        yield _gauge("leadwire_quarantined_events", "Events that can't be read", "source", quarantined)
        yield _gauge("leadwire_owed_fetches", "Ids still to be read", "source", due)
        yield _gauge("leadwire_parked_fetches", "Ids that wait for a human", "source", parked)

    def _lanes(self) -> Iterator[Metric]:
        lanes = self.sample.tallies.lanes
        breakers = {name: _BREAKER_STATES.get(state, 2.0) for name, state in self.sample.view.breakers.items()}
        ages = {name: self._age_s(tally.oldest_due_at) for name, tally in lanes.items()}
        yield _gauge("leadwire_owed_deliveries", "Owed deliveries", "destination", {n: t.due for n, t in lanes.items()})
        yield _gauge("leadwire_oldest_undelivered_age_seconds", "Age of the oldest owed delivery", "destination", ages)
        yield _gauge("leadwire_dead_letters", "Dead letters", "destination", {n: t.dead for n, t in lanes.items()})
        yield _gauge("leadwire_breaker_state", "0 closed, 1 half open, 2 open", "destination", breakers)

    def _store(self) -> Iterator[Metric]:
        health = self.sample.health
        yield GaugeMetricFamily("leadwire_store_writable", "1: a durable write worked just now", float(health.writable))
        if health.wal_bytes is not None:
            yield GaugeMetricFamily("leadwire_wal_bytes", "Size of the write-ahead log", health.wal_bytes)
        if health.disk_free_bytes is not None:
            yield GaugeMetricFamily("leadwire_disk_free_bytes", "Free space at the ledger", health.disk_free_bytes)
        commits = CounterMetricFamily("leadwire_commits", "Durable commits")
        commits.add_metric([], health.commits)
        yield commits
        spent = CounterMetricFamily("leadwire_commit_seconds", "Time spent in durable commits, fsync included")
        spent.add_metric([], health.commit_seconds_total)
        yield spent

    def _age_s(self, since: Instant | None) -> float:
        return 0.0 if since is None else max(0.0, (self.sample.now - since) / SECOND)


def _gauge(name: str, help_text: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(name, help_text, labels=[label])
    for value, figure in values.items():
        family.add_metric([value], figure)
    return family
