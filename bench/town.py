"""The outside world, a process of its own: the simulated Graph API and CRM, filled with leads, on real sockets.

Prints one line with its addresses; then answers each line it reads: "count" with the leads that arrived, "report" with when each
first stood at the CRM.
"""

import asyncio
import json
import signal
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random

import msgspec
import uvloop

from leadwire.engine.clock import SystemClock
from leadwire.simulators.catalogue import config_for, example_crm, example_knowlarity, example_meta
from leadwire.simulators.crm.world import CrmWorld
from leadwire.simulators.meta.faults import Faults
from leadwire.simulators.meta.world import MetaWorld
from leadwire.simulators.server import SimulatorServer
from leadwire.simulators.traffic import Mix, Traffic


class Town(msgspec.Struct, frozen=True, kw_only=True):
    """How many leads exist, and the file that lists them for the load generator."""

    leads: int
    list_file: str


def _fill(meta: MetaWorld, town: Town) -> None:
    """Every lead is somebody new, and its webhook is left to the load generator."""
    meta.faults = Faults(dropped_webhook_share=1.0)
    now = SystemClock().now()
    traffic = Traffic(Random(11), meta=meta, mix=Mix(repeat_share=0.0))
    for _ in range(town.leads):
        traffic.step(now)
    rows = [(lead.id, lead.page_id, lead.form_id) for lead in meta.leads.values()]
    Path(town.list_file).write_text(json.dumps(rows))


def _report(crm: CrmWorld) -> dict[str, object]:
    arrived = [
        (record["native_id"], row.first_at)
        for row in crm.rows.values()
        for record in msgspec.json.decode(row.data)["records"]
    ]
    return {"arrived": arrived, "audit": crm.snapshot()}


async def _serve(town: Town) -> None:
    random = Random(7)
    clock = SystemClock()
    meta, knowlarity, crm = example_meta(random), example_knowlarity(random), example_crm(random)
    _fill(meta, town)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with AsyncExitStack() as stack:
        parts = {}
        for name, world in (("meta", meta), ("knowlarity", knowlarity), ("crm", crm)):
            server = await stack.enter_async_context(SimulatorServer(world, clock.now))
            parts[name] = config_for(world, server.url)
        print(json.dumps(parts), flush=True)
        asked = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(asked), sys.stdin)
        stopping = asyncio.create_task(stop.wait())
        while not stopping.done():
            line = asyncio.create_task(asked.readline())
            await asyncio.wait((line, stopping), return_when=asyncio.FIRST_COMPLETED)
            if not line.done() or not line.result():
                line.cancel()
                break
            answer: object = len(crm.rows) if json.loads(line.result()) == "count" else _report(crm)
            print(json.dumps(answer), flush=True)


def main() -> None:
    """Serves until SIGTERM or until nobody asks any more."""
    uvloop.run(_serve(msgspec.json.decode(sys.argv[1], type=Town)))


if __name__ == "__main__":
    main()
