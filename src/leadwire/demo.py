"""The demo: simulated Meta, Knowlarity and CRM on loopback sockets, a real leadwire between them, and a count at the end."""

import asyncio
import json
import random
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import uvloop

from leadwire.app import Leadwire, opened, serve
from leadwire.config import load
from leadwire.engine.clock import SystemClock
from leadwire.logs import configure_logs
from leadwire.model.times import MILLISECOND, SECOND, Instant, from_datetime, seconds
from leadwire.simulators.catalogue import config_for, example_crm, example_knowlarity, example_meta
from leadwire.simulators.control import Simulated
from leadwire.simulators.crm.faults import Faults as CrmFaults
from leadwire.simulators.crm.faults import Outage
from leadwire.simulators.crm.ledger import Row
from leadwire.simulators.meta.faults import Faults as MetaFaults
from leadwire.simulators.sender import PushSender
from leadwire.simulators.server import SimulatorServer
from leadwire.simulators.traffic import Mix, Traffic, produce

TOKEN = "demo-webhook-token"  # noqa: S105 - guards nothing but this demo
RATE_PER_S = 4.0
WITHOUT_END = 1_000_000_000
DRAIN_S = 30.0
SETTLE_S = 4.0
OUTAGE_S = 3.0


class Demo:
    """One run. Leads come at an even rate, webhooks arrive twice now and then, and the CRM goes away once in the middle."""

    def __init__(self, run_s: float | None) -> None:
        chance = random.Random(7)  # noqa: S311 - simulated people, the same in every demo
        self.clock = SystemClock()
        self.meta = example_meta(chance)
        self.knowlarity = example_knowlarity(chance)
        self.crm = example_crm(chance)
        self.traffic = Traffic(chance, meta=self.meta, knowlarity=self.knowlarity, mix=Mix(talk_s_max=0))
        self.traffic_s = None if run_s is None else max(run_s - SETTLE_S, 1.0)
        self.meta.faults = MetaFaults(
            latency_us=30 * MILLISECOND,
            webhook_delay_jitter_us=seconds(0.5),
            duplicate_webhook_share=0.2,
            duplicate_within_us=2 * SECOND,
            updates_per_post_max=5,
        )
        self.crm.faults = CrmFaults(latency_us=10 * MILLISECOND, outages=self._outages())

    def _outages(self) -> tuple[Outage, ...]:
        begin = self.clock.now() + seconds(20.0 if self.traffic_s is None else self.traffic_s * 0.4)
        return (Outage(from_at=begin, until_at=begin + seconds(OUTAGE_S), status=503),)

    async def run(self, folder: Path, port: int, *, is_quiet: bool) -> dict[str, Any]:
        """Runs to the end and answers the count. Raises StoreRefused or ConfigError (the port is taken)."""
        async with AsyncExitStack() as stack:
            parts = ['[server]\nhost = "127.0.0.1"\n' + f"port = {port}\n", '[identity]\ndefault_region = "IN"\n']
            worlds: tuple[Simulated, ...] = (self.meta, self.knowlarity, self.crm)
            for world in worlds:
                server = await stack.enter_async_context(SimulatorServer(world, self.clock.now))
                parts.append(config_for(world, server.url))
                if world is self.knowlarity:
                    parts[-1] += f'webhook_token = "{TOKEN}"\n'
            parts.append('[syncs.crm]\nfrom = ["meta", "knowlarity"]\nto = "crm"\n')
            parts.append('[egress]\nallow = ["127.0.0.1/32"]\n')
            path = folder / "leadwire.toml"
            path.write_text("\n".join(parts))
            app = await stack.enter_async_context(opened(load(path, {})))
            return await self._serve(app, is_quiet=is_quiet)

    async def _serve(self, app: Leadwire, *, is_quiet: bool) -> dict[str, Any]:
        stop, up = asyncio.Event(), asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        url = ""

        def on_up(address: str) -> None:
            nonlocal url
            url = address
            up.set()

        serving = asyncio.create_task(serve(app, stop, on_up=on_up))
        started = asyncio.create_task(up.wait())
        await asyncio.wait((serving, started), return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            started.cancel()
            await serving
        if not is_quiet:
            print(
                f"Leads arrive live at {url}/inbox, the state of things is at {url}/ops. Ctrl-C ends it.",
                file=sys.stderr,
            )
        async with aiohttp.ClientSession() as session:
            senders = [
                PushSender(self.meta, session, f"{url}/webhooks/meta", self.clock.now),
                PushSender(self.knowlarity, session, f"{url}/webhooks/knowlarity?token={TOKEN}", self.clock.now),
            ]
            sending = [asyncio.create_task(sender.run()) for sender in senders]
            await self._make_leads(senders, stop)
            await self._until_arrived(stop)
            for task in sending:
                task.cancel()
            await asyncio.gather(*sending, return_exceptions=True)
        stop.set()
        await serving
        return self.count()

    async def _make_leads(self, senders: list[PushSender], stop: asyncio.Event) -> None:
        total = WITHOUT_END if self.traffic_s is None else round(self.traffic_s * RATE_PER_S)

        def on_made(_made: object) -> None:
            for sender in senders:
                sender.wake()

        making = asyncio.create_task(
            produce(self.traffic, rate_per_s=RATE_PER_S, total=total, clock=self.clock.now, on_made=on_made)
        )
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait((making, stopping), return_when=asyncio.FIRST_COMPLETED)
        for task in (making, stopping):
            task.cancel()

    async def _until_arrived(self, stop: asyncio.Event) -> None:
        give_up_at = self.clock.now() + seconds(DRAIN_S)
        while self.clock.now() < give_up_at and not stop.is_set():
            is_pushing = self.meta.next_push_at() is not None or self.knowlarity.next_push_at() is not None
            if not is_pushing and not self.count()["missing"]:
                return
            await self.clock.sleep(0.1)

    def count(self) -> dict[str, Any]:
        """What was submitted against what arrived. `ok`: every lead and call is at the CRM, on exactly one lead."""
        submitted = {("meta", lead_id) for lead_id in self.meta.leads}
        submitted |= {("knowlarity", call.uuid) for call in self.knowlarity.calls}
        arrived: Counter[tuple[str, str]] = Counter()
        for row in self.crm.rows.values():
            for line in msgspec.json.decode(row.data)["records"]:
                arrived[line["source"], line["native_id"]] += 1
        audit = self.crm.snapshot()
        missing = sorted(submitted - arrived.keys())
        twice = sorted(key for key, times in arrived.items() if times > 1)
        return {
            "submitted": len(submitted),
            "meta_leads": len(self.meta.leads),
            "knowlarity_calls": len(self.knowlarity.calls),
            "arrived": len(submitted & arrived.keys()),
            "missing": [native_id for _, native_id in missing],
            "twice": [native_id for _, native_id in twice],
            "crm_leads": audit["leads"],
            "crm_rows": audit["rows"],
            "crm_answers": audit["answers"],
            "webhooks": self.meta.snapshot()["webhooks"],
            "lag_ms": self._lags(),
            "ok": not missing and not twice and audit["duplicate_rows"] == 0 and audit["versions_backwards"] == 0,
        }

    def _lags(self) -> dict[str, float]:
        """From the submission on Meta to the first time it stood at the CRM, webhook delay and outage included."""
        lags = sorted(_first_seen(self.crm.rows.values()))
        if not lags:
            return {}
        return {
            "p50": lags[len(lags) // 2] / MILLISECOND,
            "p99": lags[min(len(lags) - 1, len(lags) * 99 // 100)] / MILLISECOND,
        }


def _first_seen(rows: Iterable[Row]) -> list[Instant]:
    return [
        max(row.first_at - from_datetime(datetime.fromisoformat(msgspec.json.decode(row.data)["created_at"])), 0)
        for row in rows
    ]


def demo(run_s: float | None, as_json: bool, port: int) -> int:
    """Runs the demo: 0 only where every simulated lead arrived once."""
    configure_logs("json", "error")
    with tempfile.TemporaryDirectory(prefix="leadwire-demo-") as folder:
        result = uvloop.run(Demo(run_s).run(Path(folder), port, is_quiet=as_json))
    if as_json:
        print(json.dumps(result, indent=2))
    else:
        print(_sentence(result))
    return 0 if result["ok"] else 1


def _sentence(result: dict[str, Any]) -> str:
    if result["ok"]:
        return (
            f"All {result['submitted']} leads and calls arrived at the CRM, each once, as {result['crm_leads']} people."
        )
    return f"{len(result['missing'])} of {result['submitted']} are missing, {len(result['twice'])} arrived twice."
