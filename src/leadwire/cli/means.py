"""What commands reach out with. The program takes the real ones; a test passes its own."""

import asyncio
import importlib
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Annotated, Any, Protocol

import msgspec
import typer

from leadwire.config import Config
from leadwire.model.times import Instant

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


class Api(Protocol):
    """The HTTP API of one leadwire, wherever it runs."""

    async def request(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """The status and the decoded JSON body (None where there is none). Raises LeadwireError where nobody answers."""
        ...


class Upkeep(Protocol):
    """What the storage can do with a ledger's file while nobody else has it open."""

    def migrate(self, path: Path, now: Instant) -> None:
        """Brings the ledger to this program's schema. Raises StoreRefused where a server has it."""
        ...

    def backup(self, path: Path, target: Path) -> None:
        """Copies the ledger to a new file, also while it is in use."""
        ...

    def check(self, path: Path) -> "Findings":
        """Looks for damage, also while the ledger is in use."""
        ...


class Findings(Protocol):
    """What a look for damage found."""

    @property
    def findings(self) -> Sequence[str]:
        """One sentence per damage; empty for a sound ledger."""
        ...

    @property
    def counts(self) -> Mapping[str, int]:
        """Rows per table."""
        ...


def _open_in_process(config: Config) -> AbstractAsyncContextManager[Api]:
    opened: AbstractAsyncContextManager[Api] = importlib.import_module("leadwire.app").open_in_process(config)
    return opened


def _run(config: Config, roles: frozenset[str]) -> int:
    return int(importlib.import_module("leadwire.app").run(config, roles))


def _demo(seconds: float | None, as_json: bool, port: int) -> int:
    return int(importlib.import_module("leadwire.demo").demo(seconds, as_json, port))


def _upkeep() -> Upkeep:
    module: Any = importlib.import_module("leadwire.store.sqlite.upkeep")
    found: Upkeep = module
    return found


async def _stop_asked() -> None:
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, asked.set)
    await asked.wait()


class Means(msgspec.Struct, frozen=True, kw_only=True):
    """The outside world of a command. Heavy rooms are imported by the call that needs them, so that `--help` is quick."""

    environment: Mapping[str, str] = os.environ
    open_in_process: Callable[[Config], AbstractAsyncContextManager[Api]] = _open_in_process
    run: Callable[[Config, frozenset[str]], int] = _run
    demo: Callable[[float | None, bool, int], int] = _demo
    upkeep: Callable[[], Upkeep] = _upkeep
    stop_asked: Callable[[], Awaitable[None]] = _stop_asked
    is_terminal: Callable[[], bool] = sys.stdin.isatty


def means_of(context: typer.Context) -> Means:
    """What this command reaches out with."""
    found = context.obj
    assert isinstance(found, Means)
    return found


def config_path(context: typer.Context) -> Path:
    """The configuration file that the command line names, or ./leadwire.toml."""
    return Path(context.find_root().params.get("config") or "leadwire.toml")
