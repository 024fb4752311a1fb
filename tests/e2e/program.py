"""The real program as a process of its own, started, reached, killed and read."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp
import msgspec

from e2e.until import until
from leadwire.store.sqlite.lock import Announcement, read_announcement

READY_WITHIN_S = 20.0
STOP_WITHIN_S = 15.0
EXECUTABLE = Path(sys.executable).with_name("leadwire")
RUN = (str(EXECUTABLE), "run")
BARE = {"PATH": os.environ.get("PATH", ""), "HOME": os.environ.get("HOME", ""), "LANG": "C.UTF-8"}


class Finished(msgspec.Struct, frozen=True):
    """How a command ended."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """What it printed, read as JSON."""
        return msgspec.json.decode(self.out)


async def command(
    *arguments: str, folder: Path, environment: Mapping[str, str] | None = None, within_s: float = 30.0
) -> Finished:
    """Runs one `leadwire …` in the folder to its end."""
    process = await asyncio.create_subprocess_exec(
        *(str(EXECUTABLE), *arguments),
        cwd=folder,
        env=BARE | dict(environment or {}),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(within_s):
            out, err = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        raise AssertionError(f"leadwire {' '.join(arguments)} did not end within {within_s:g} s") from None
    assert "Traceback" not in err.decode(), err.decode()
    return Finished(process.returncode or 0, out.decode(), err.decode())


class Program:
    """One leadwire on one folder, over as many lives as a test gives it. An async context manager: it is gone afterwards.

    The folder holds leadwire.toml and the ledger. `launch` is the command line of the next life.
    """

    def __init__(
        self, folder: Path, *, ledger: str = "leadwire.db", environment: Mapping[str, str] | None = None
    ) -> None:
        self.folder = folder
        self.ledger = folder / ledger
        self.launch: Sequence[str] = RUN
        self.url = ""
        self.key = ""
        self.lives = 0
        self.ready_after_s: list[float] = []
        self._environment = BARE | dict(environment or {})
        self._process: asyncio.subprocess.Process | None = None
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10.0))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.is_running:
            await self.kill()
        assert self._session is not None
        await self._session.close()

    @property
    def session(self) -> aiohttp.ClientSession:
        """Connections to the program."""
        assert self._session is not None
        return self._session

    @property
    def pid(self) -> int:
        """The process of this life."""
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    @property
    def out(self) -> str:
        """Everything that all lives logged."""
        return self._path("out").read_text()

    @property
    def err(self) -> str:
        """Everything that all lives said to a human."""
        return self._path("err").read_text()

    def log(self, action: str) -> list[dict[str, Any]]:
        """The log records of one action."""
        records = [msgspec.json.decode(line) for line in self.out.splitlines() if line.startswith("{")]
        return [record for record in records if record.get("action") == action]

    async def begin(self) -> None:
        """Starts a life and returns at once."""
        assert not self.is_running
        self.url = self.key = ""
        self.lives += 1
        with self._path("out").open("ab") as out, self._path("err").open("ab") as err:
            self._process = await asyncio.create_subprocess_exec(
                *self.launch,
                cwd=self.folder,
                env=self._environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )

    async def start(self, within_s: float = READY_WITHIN_S) -> float:
        """Starts a life and returns when it is ready; answers how long that took, in seconds."""
        began_at = time.monotonic()
        await self.begin()
        await until(self.is_ready, within_s, "the program's readiness")
        took_s = time.monotonic() - began_at
        self.ready_after_s.append(took_s)
        return took_s

    async def is_ready(self) -> bool:
        """Whether this life takes leads in. Raises AssertionError where it has ended instead."""
        if not self.is_running:
            raise AssertionError(f"the program ended with {self.code}: {self.err[-2000:]}")
        if not self._is_announced():
            return False
        try:
            async with self.session.get(f"{self.url}/readyz") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            self.url = ""  # the announcement may still have been the one of the life before
            return False

    def _is_announced(self) -> bool:
        if self.url:
            return True
        found = self.announcement()
        if found is None or found.url is None:
            return False
        self.url, self.key = found.url, found.key or ""
        return True

    def announcement(self) -> Announcement | None:
        """What this folder's process says of itself in the side file of the ledger."""
        return read_announcement(self.ledger)

    @property
    def code(self) -> int | None:
        """The exit code of the last life; None while it runs."""
        return None if self._process is None else self._process.returncode

    async def kill(self) -> None:
        """kill -9 of the life's own process group."""
        assert self._process is not None
        if self._process.returncode is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        await self._process.wait()

    def ask_to_stop(self) -> None:
        """SIGTERM."""
        assert self._process is not None
        self._process.terminate()

    async def ended(self, within_s: float = STOP_WITHIN_S) -> int:
        """The exit code, once the life is over; kills it where that takes too long."""
        assert self._process is not None
        try:
            async with asyncio.timeout(within_s):
                return await self._process.wait()
        except TimeoutError:
            await self.kill()
            raise AssertionError(f"the program did not end within {within_s:g} s") from None

    async def stop(self, within_s: float = STOP_WITHIN_S) -> float:
        """SIGTERM, and a clean end; answers how long that took, in seconds."""
        began_at = time.monotonic()
        self.ask_to_stop()
        code = await self.ended(within_s)
        assert code == 0, f"the program ended with {code}: {self.err[-2000:]}"
        return time.monotonic() - began_at

    async def get(self, path: str) -> Any:
        """A JSON answer of the API, asked with the local key."""
        async with self.session.get(f"{self.url}{path}", headers={"Authorization": f"Bearer {self.key}"}) as answer:
            body = await answer.read()
            assert answer.status == 200, (path, answer.status, body[:500])
            return msgspec.json.decode(body)

    async def items(self, path: str) -> list[dict[str, Any]]:
        """Every item of a list of the API."""
        found: list[dict[str, Any]] = []
        after = ""
        mark = "&" if "?" in path else "?"
        while True:
            page = await self.get(f"{path}{mark}limit=200{after}")
            found += page["items"]
            if not page["next"]:
                return found
            after = f"&after={page['next']}"

    def _path(self, what: str) -> Path:
        return self.folder / f"program.{what}"
