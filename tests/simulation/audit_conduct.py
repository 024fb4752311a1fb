"""How the engine behaved on the way: patience, rate, isolation, honesty about its attempts, and calling for help."""

from collections import Counter
from collections.abc import Iterator

from leadwire.model.times import SECOND, Instant
from leadwire.simulators.crm.faults import Faults
from simulation.life import Life
from simulation.network import Sent
from simulation.plan import is_calm
from simulation.violation import Violation

AT_ONCE: Instant = 2 * SECOND
TO_NOTE: Instant = SECOND // 2


def conduct(life: Life) -> Iterator[Violation]:
    """Every violation of good conduct. A clock that jumps excuses what is measured by it."""
    yield from _needless(life)
    yield from _attempts(life)
    yield from _alerts(life)
    if life.plan.has("clock jumps"):
        return
    for host in ("crm", "chat"):
        yield from _impatience(life, [sent for sent in life.sent if sent.host == host])
    yield from _rate(life)
    yield from _isolation(life, "crm", life.plan.crm)
    yield from _isolation(life, "chat", life.plan.chat)


def _needless(life: Life) -> Iterator[Violation]:
    """Nothing that was refused for good is tried again, unless the answer was lost with the process."""
    seen: Counter[str] = Counter()
    for sent in life.sent:
        if sent.status == 422 and sent.answered_at is not None:
            seen[sent.key] += not life.watch.was_ended_in(sent.answered_at, sent.answered_at + TO_NOTE)
    for key, count in seen.items():
        if count > 1:
            yield Violation("needless", f"{key} was tried {count} times after a 422")


def _attempts(life: Life) -> Iterator[Violation]:
    """Every request that reached a destination is an attempt that people can see; more there are only of killed processes,
    and of leases that a jumping clock ended."""
    requests = Counter(sent.key for sent in life.sent if sent.host in ("crm", "chat"))
    kills = sum(process.end == "killed" for process in life.watch.processes)
    spare = kills + 2 * sum(episode.what == "clock jumps" for episode in life.plan.episodes)
    for delivery_id in life.state.deliveries.rows.keys() | requests.keys():
        noted = len(life.state.deliveries.attempts.get(delivery_id, ()))
        if not requests[delivery_id] <= noted <= requests[delivery_id] + spare:
            yield Violation("attempts", f"{delivery_id}: {noted} attempts noted, {requests[delivery_id]} requests came")


def _alerts(life: Life) -> Iterator[Violation]:
    """A dead token and a destination that is gone call a human."""
    for sent in life.sent:
        if sent.answered_at is None or life.watch.was_ended_in(sent.answered_at, sent.answered_at + TO_NOTE):
            continue
        subject = "source:meta/" if sent.says_token_is_dead else f"destination:{sent.host}"
        needs_human = sent.says_token_is_dead or (sent.status in (401, 410) and sent.host != "graph")
        if needs_human and not any(alert.startswith(subject) for alert in life.watch.alerts):
            yield Violation("silent", f"{subject} needs a human and nobody was told")
            return


def _impatience(life: Life, sent: list[Sent]) -> Iterator[Violation]:
    """While a destination asked for silence there is silence. A new process knows it too, unless the old one was killed
    before it could write it down."""
    silences = [
        (one.answered_at, one.silent_until)
        for one in sent
        if one.answered_at is not None
        and one.silent_until is not None
        and not life.watch.was_ended_in(one.answered_at, one.answered_at + TO_NOTE)
    ]
    for start, until in silences:
        for one in sent:
            if start < one.at < until and (life.healed_at is None or one.at < life.healed_at):
                yield Violation("impatient", f"{one.host} was asked {(until - one.at) / SECOND:g} s too early")


def _rate(life: Life) -> Iterator[Violation]:
    """Never more than so many in any second; a new process begins a new count."""
    rate = life.plan.crm_rate
    if rate is None:
        return
    times = [sent.at for sent in life.sent if sent.host == "crm"]
    for first, last in zip(times, times[rate:], strict=False):
        if last - first < SECOND and not life.watch.was_ended_in(first, last):
            yield Violation("rate", f"the CRM got {rate + 1} requests within {(last - first) / SECOND:g} s")


def _isolation(life: Life, destination: str, faults: Faults) -> Iterator[Violation]:
    """Whatever the other destination does, one that answers at once gets everything at once."""
    if not is_calm(faults) or (destination == "crm" and life.plan.crm_rate is not None):
        return
    for delivery in life.state.deliveries.rows.values():
        if delivery.destination != destination or delivery.delivered_at is None:
            continue
        since = max(delivery.owed_at, life.watch.started_before(delivery.delivered_at))
        if delivery.delivered_at - since > AT_ONCE:
            late_s = (delivery.delivered_at - since) / SECOND
            yield Violation("isolation", f"{delivery.id} came to the calm {destination} after {late_s:g} s")
