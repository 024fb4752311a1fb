"""Runs the real leadwire until a named point is reached, and dies there as if by kill -9.

    python doomed.py CONFIG POINT COUNT

A point is a verb of a port and a moment: `leads.absorb:before` dies at the COUNT-th call, before its commit;
`leads.absorb:after` when that commit is done and nobody was told. `http.send:before` has sent nothing, `http.send:after`
has read the reply and written nothing down.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import uvloop

from leadwire.app import Leadwire, ledger_path, serve
from leadwire.config import load
from leadwire.egress.client import EgressClient
from leadwire.engine.clock import SystemClock
from leadwire.logs import configure_logs
from leadwire.store.sqlite import SqliteLedger, open_ledger

PORTS = ("events", "leads", "fetches", "deliveries", "delivery_book", "pauses", "users", "tokens", "desk")


class Doom:
    """Counts the calls of one verb, and ends the process at the chosen one."""

    def __init__(self, point: str, count: int) -> None:
        self.target, _, self._moment = point.partition(":")
        self._left = count

    async def meet(self, call: Callable[[], Awaitable[Any]]) -> Any:
        """Does the call, unless the process dies around it."""
        self._left -= 1
        is_the_one = self._left == 0
        if is_the_one and self._moment == "before":
            die()
        result = await call()
        if is_the_one:
            die()
        return result


def die() -> None:
    """The end, without a word to anybody."""
    os.kill(os.getpid(), signal.SIGKILL)


class Doomed:
    """A port (or the HTTP client) with one deadly verb."""

    def __init__(self, inner: Any, verb: str, doom: Doom) -> None:
        self._inner = inner
        self._verb = verb
        self._doom = doom

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if name != self._verb:
            return found

        async def called(*arguments: Any, **named: Any) -> Any:
            return await self._doom.meet(lambda: found(*arguments, **named))

        return called


class DoomedLedger:
    """The ledger, one port of which has a deadly verb."""

    events: Any
    leads: Any
    fetches: Any
    deliveries: Any
    delivery_book: Any
    pauses: Any
    users: Any
    tokens: Any
    desk: Any

    def __init__(self, ledger: SqliteLedger, doom: Doom) -> None:
        self._ledger = ledger
        self.owner_is_alone = ledger.owner_is_alone
        self.health = ledger.health
        self.close = ledger.close
        port, _, verb = doom.target.partition(".")
        for name in PORTS:
            inner = getattr(ledger, name)
            setattr(self, name, Doomed(inner, verb, doom) if name == port else inner)


async def run(config_path: Path, point: str, count: int) -> int:
    """A whole life, wired as leadwire.app wires it."""
    config = load(config_path, os.environ)
    doom = Doom(point, count)
    ledger = await open_ledger(ledger_path(config), clock_now=SystemClock().now)
    client: Any = EgressClient(config.egress.allow)
    http = Doomed(client, "send", doom) if doom.target == "http.send" else client
    app = Leadwire(config, DoomedLedger(ledger, doom), http)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    try:
        return await serve(app, stop, on_up=lambda url: ledger.announce(url, app.local_key))
    finally:
        await client.close()
        await ledger.close()


if __name__ == "__main__":
    configure_logs("json", "info")
    sys.exit(uvloop.run(run(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))))
