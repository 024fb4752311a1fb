"""Capture: durable acknowledgements per second on one core, beside a bare handler under the same server, in the same run."""

import signal
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

import msgspec

from bench.load import Load
from bench.processes import (
    LOAD_CORE,
    PATIENCE_S,
    SERVER_CORE,
    Elsewhere,
    Running,
    await_calm,
    free_port,
    leadwire,
    module,
)

SECRET = "sim-app-secret"
CONNECTIONS = 256
OPEN_CONNECTIONS = 64
OPEN_RATE = 2_000
WARM_UP_S = 1.0
BARE_MAX_PER_S = 45_000
DURABLE_MAX_PER_S = 25_000

CONFIG = """[server]
host = "127.0.0.1"
port = {port}
log_format = "json"
[store]
url = "sqlite:///leadwire.db"
[sources.meta]
type = "meta_lead_ads"
app_secret = "{secret}"
verify_token = "sim-verify-token"
graph_url = "http://127.0.0.1:9"
poll = "0s"
pages = [{{ id = "138124712925158", access_token = "sim-page-token-1" }}]
[destinations.crm]
type = "http"
url = "http://127.0.0.1:9/leads"
[syncs.crm]
from = ["meta"]
to = "crm"
[egress]
allow = ["127.0.0.1/32"]
"""


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """One bench of capture: where, how long each part, how often."""

    folder: Path
    seconds: float
    repeats: int


def fire(load: Load) -> dict[str, Any]:
    """Runs one load from its own process on the other core."""
    with Running(module("load", msgspec.to_builtins(load)), core=LOAD_CORE) as generator:
        generator.hear()
        generator.tell("go")
        figures: dict[str, Any] = generator.hear()
        return figures


class _Targets:
    """leadwire and the bare handler, each pinned to the server's core; only one of them is loaded at a time."""

    def __init__(self, setting: Setting, stack: ExitStack) -> None:
        self._setting = setting
        self._sent = 0
        self.port, self.bare_port = free_port(), free_port()
        config = setting.folder / "capture.toml"
        config.write_text(CONFIG.format(port=self.port, secret=SECRET))
        log = setting.folder / "capture.log"
        self.server = stack.enter_context(
            Running(leadwire(config, "--roles", "web"), log=log, core=SERVER_CORE),
        )
        self.bare = stack.enter_context(
            Running(
                module("bare", {"port": self.bare_port, "secret": SECRET}),
                log=setting.folder / "bare.log",
                core=SERVER_CORE,
            )
        )
        self.server.await_ready(self.port)
        self.bare.await_ready(self.bare_port)

    def both(self, rate: float) -> dict[str, Any]:
        """One after the other, in the same minute."""
        await_calm(PATIENCE_S)
        return {
            "bare": self._fire(self.bare, self.bare_port, BARE_MAX_PER_S, rate),
            "leadwire": self._fire(self.server, self.port, DURABLE_MAX_PER_S, rate),
        }

    def _fire(self, process: Running, port: int, most_per_s: int, rate: float) -> dict[str, Any]:
        seconds = self._setting.seconds
        count = int((seconds + WARM_UP_S) * (rate or most_per_s)) + CONNECTIONS
        load = Load(
            port=port,
            path="/webhooks/meta",
            secret=SECRET,
            connections=OPEN_CONNECTIONS if rate else CONNECTIONS,
            count=count,
            first=self._sent,
            rate=rate,
            seconds=seconds,
            warm_up_s=WARM_UP_S,
        )
        self._sent += count
        before_s, rest = process.cpu_s(), Elsewhere(process)
        figures = fire(load)
        figures["cpu_s"] = round(process.cpu_s() - before_s, 3)
        figures["elsewhere_cores"] = rest.cores()
        return figures


def _disturbance(one: dict[str, Any]) -> float:
    return float(max(one["bare"]["elsewhere_cores"], one["leadwire"]["elsewhere_cores"]))


def capture(setting: Setting) -> dict[str, Any]:
    """A B A B …: the bare handler, then leadwire; at the end both at a fixed rate.

    Rates and latencies are those of the round in which others used the machine least; the ratio is the median of all.
    """
    with ExitStack() as stack:
        targets = _Targets(setting, stack)
        rounds = [targets.both(0.0) for _ in range(setting.repeats)]
        steady = [targets.both(OPEN_RATE) for _ in range(setting.repeats)]
    ratios = [one["leadwire"]["rate_per_s"] / one["bare"]["rate_per_s"] for one in rounds]
    calm, calm_steady = min(rounds, key=_disturbance), min(steady, key=_disturbance)
    return {
        "acks_per_s": calm["leadwire"]["rate_per_s"],
        "bare_per_s": calm["bare"]["rate_per_s"],
        "ratio": round(median(ratios), 3),
        "ratios": [round(ratio, 3) for ratio in ratios],
        "failed": sum(one["leadwire"]["failed"] for one in rounds + steady),
        "steady_rate_per_s": OPEN_RATE,
        "steady_p50_ms": calm_steady["leadwire"]["p50_ms"],
        "steady_p99_ms": calm_steady["leadwire"]["p99_ms"],
        "bare_steady_p99_ms": calm_steady["bare"]["p99_ms"],
        "elsewhere_cores": [_disturbance(one) for one in rounds + steady],
        "rounds": rounds,
        "steady": steady,
    }


def profile_capture(setting: Setting) -> dict[str, Any]:
    """Where the processor time of the door goes, by thread and by function of the event loop's thread."""
    port, target = free_port(), setting.folder / "capture-profile.json"
    config = setting.folder / "profiled.toml"
    config.write_text(CONFIG.format(port=port, secret=SECRET).replace("leadwire.db", "profiled.db"))
    command = leadwire(config, "--roles", "web", profile=target)
    with Running(command, log=setting.folder / "profiled.log", core=SERVER_CORE) as server:
        server.await_ready(port)
        server.signal(signal.SIGUSR2)
        before = server.threads_cpu_s()
        load = Load(
            port=port,
            path="/webhooks/meta",
            secret=SECRET,
            connections=CONNECTIONS,
            count=int(setting.seconds + WARM_UP_S) * DURABLE_MAX_PER_S,
            first=1_000_000_000,
            seconds=setting.seconds,
            warm_up_s=WARM_UP_S,
        )
        figures = fire(load)
        after = server.threads_cpu_s()
    threads = {name: round(spent - before.get(name, 0.0), 3) for name, spent in after.items()}
    found: dict[str, Any] = msgspec.json.decode(target.read_bytes())
    return {"rate_per_s": figures["rate_per_s"], "threads_cpu_s": threads, **found}
