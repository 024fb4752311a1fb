"""The hop: from a signed Meta webhook, over the Graph API, to the CRM. Three processes; leadwire has a core for itself.

The clock is the machine's: a webhook counts from when it was due, a lead has arrived when the CRM took it.
"""

import json
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import msgspec

from bench.capture import SECRET
from bench.load import Load, share
from bench.machine import pace
from bench.processes import LOAD_CORE, PATIENCE_S, Elsewhere, Running, await_calm, free_port, leadwire, module

RATE = 200
CONNECTIONS = 64
WARM_UP = 200
ARRIVE_S = 90.0

CONFIG = """[server]
host = "127.0.0.1"
port = {port}
log_format = "json"
[store]
url = "sqlite:///{name}.db"
[identity]
default_region = "IN"
{meta}
poll = "0s"
{crm}
[syncs.crm]
from = ["meta"]
to = "crm"
[egress]
allow = ["127.0.0.1/32"]
"""


class Hop(msgspec.Struct, frozen=True, kw_only=True):
    """One hop measure. `rate` 0 sends as fast as leadwire takes."""

    folder: Path
    name: str
    leads: int
    rate: float = 0.0


class _Way:
    """A leadwire between a simulated Meta and a simulated CRM."""

    def __init__(self, hop: Hop, stack: ExitStack, profile: Path | None = None) -> None:
        self._hop = hop
        self._list = hop.folder / f"{hop.name}-leads.json"
        self._log = hop.folder / f"{hop.name}-sent.json"
        town = {"leads": hop.leads + WARM_UP, "list_file": str(self._list)}
        self.town = stack.enter_context(Running(module("town", town), core=LOAD_CORE))
        parts = self.town.hear()
        self.port = free_port()
        config = hop.folder / f"{hop.name}.toml"
        config.write_text(CONFIG.format(port=self.port, name=hop.name, **parts))
        command = leadwire(config, profile=profile)
        self.server = stack.enter_context(Running(command, log=hop.folder / f"{hop.name}.log"))
        self.server.await_ready(self.port)
        self.fire(0, WARM_UP, float(WARM_UP))
        self.await_arrival(WARM_UP)

    def fire(self, first: int, count: int, rate: float) -> dict[str, Any]:
        load = Load(
            port=self.port,
            path="/webhooks/meta",
            secret=SECRET,
            connections=CONNECTIONS,
            leads=str(self._list),
            first=first,
            count=count,
            rate=rate,
            log=str(self._log),
        )
        with Running(module("load", msgspec.to_builtins(load)), core=LOAD_CORE) as generator:
            generator.hear()
            generator.tell("go")
            figures: dict[str, Any] = generator.hear()
            return figures

    def await_arrival(self, wanted: int) -> None:
        give_up_s = time.perf_counter() + ARRIVE_S
        while time.perf_counter() < give_up_s:
            self.town.tell("count")
            if self.town.hear() >= wanted:
                return
            time.sleep(0.1)

    def figures(self) -> dict[str, Any]:
        """Sends the leads, waits until all are at the CRM, and puts both sides' times together."""
        await_calm(PATIENCE_S)
        speed = pace()
        rest = Elsewhere(self.server, self.town)
        before = (self.server.cpu_s(), self.town.cpu_s(), self.server.threads_cpu_s())
        sent = self.fire(WARM_UP, self._hop.leads, self._hop.rate)
        self.await_arrival(WARM_UP + self._hop.leads)
        elsewhere_cores = rest.cores()
        spent = (self.server.cpu_s() - before[0], self.town.cpu_s() - before[1])
        threads = {
            name: round(cpu_s - before[2].get(name, 0.0), 2) for name, cpu_s in self.server.threads_cpu_s().items()
        }
        self.town.tell("report")
        report = self.town.hear()
        arrived = dict(report["arrived"])
        lines = json.loads(self._log.read_text())
        lags = sorted((arrived[lead] - due) / 1e3 for lead, due, _ in lines if lead in arrived)
        first, last = min(due for _, due, _ in lines), max(arrived[lead] for lead, _, _ in lines if lead in arrived)
        whole_s = (last - first) / 1e6
        return {
            "leads": self._hop.leads,
            "missing": self._hop.leads - len(lags),
            "refused": sent["refusals"],
            "twice": report["audit"]["duplicate_rows"],
            "leads_per_s": round(len(lags) / whole_s, 1),
            "p50_ms": round(share(lags, 0.50), 2),
            "p90_ms": round(share(lags, 0.90), 2),
            "p99_ms": round(share(lags, 0.99), 2),
            "max_ms": round(lags[-1], 2),
            "ack_per_s": sent["rate_per_s"],
            "ack_p50_ms": sent["p50_ms"],
            "ack_p99_ms": sent["p99_ms"],
            "leadwire_cores": round(spent[0] / whole_s, 2),
            "simulators_cores": round(spent[1] / whole_s, 2),
            "threads_cpu_s": {name: cpu_s for name, cpu_s in threads.items() if cpu_s >= 0.01},
            "memory_mb": round(self.server.memory_mb(), 1),
            "elsewhere_cores": elsewhere_cores,
            "pace": speed,
        }


@contextmanager
def _way(hop: Hop, profile: Path | None = None) -> Iterator[_Way]:
    with ExitStack() as stack:
        yield _Way(hop, stack, profile)


def measure(hop: Hop) -> dict[str, Any]:
    """One run of the hop."""
    with _way(hop) as way:
        return way.figures()


def profile_hop(hop: Hop) -> dict[str, Any]:
    """Where leadwire's processor time goes during the same run."""
    target = hop.folder / f"{hop.name}-profile.json"
    with _way(hop, target) as way:
        way.server.signal(signal.SIGUSR2)
        figures = way.figures()
    found: dict[str, Any] = msgspec.json.decode(target.read_bytes())
    return {"leads_per_s": figures["leads_per_s"], "threads_cpu_s": figures["threads_cpu_s"], **found}
