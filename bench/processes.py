"""Processes under measurement: started, pinned, read from /proc, and ended by their own id."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).resolve().parent.parent
SERVER_CORE = 0
LOAD_CORE = max(os.sched_getaffinity(0))
START_S = 30.0
STOP_S = 20.0
CALM_CORES = 0.15
PATIENCE_S = 20.0


class Running:
    """A child process that talks in JSON lines where it talks at all. It is ended when the context is left."""

    def __init__(self, command: Sequence[str], *, log: Path | None = None, core: int | None = None) -> None:
        self.started_s = time.perf_counter()
        self._log_path = log
        self._log = log.open("wb") if log is not None else None
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE if self._log is None else self._log,
            stderr=None if self._log is None else subprocess.STDOUT,
            cwd=ROOT,
        )
        self.pid = self._process.pid
        if core is not None:
            os.sched_setaffinity(self.pid, {core})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """SIGTERM, and SIGKILL where that does not help in time. May be called again."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._log):
            if stream is not None:
                stream.close()

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal."""
        self._process.send_signal(number)

    def tell(self, message: object) -> None:
        """Writes one JSON line to the process."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message).encode() + b"\n")
        self._process.stdin.flush()

    def hear(self) -> Any:
        """Reads one JSON line of the process; raises RuntimeError where it ended instead."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("a process of the benchmark ended early")
        return json.loads(line)

    def cpu_s(self) -> float:
        """Seconds on a processor so far, all threads that still live."""
        return sum(self.threads_cpu_s().values())

    def threads_cpu_s(self) -> Mapping[str, float]:
        """Seconds on a processor by thread, named by thread name and id."""
        found: dict[str, float] = {}
        for task in Path(f"/proc/{self.pid}/task").iterdir():
            spent_ns = int((task / "schedstat").read_text().split()[0])
            found[f"{(task / 'comm').read_text().strip()}:{task.name}"] = spent_ns / 1e9
        return found

    def memory_mb(self) -> float:
        """Resident memory now."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        raise RuntimeError("the process under measurement is gone")

    def await_ready(self, port: int, within_s: float = START_S) -> float:
        """Seconds from the start of the process until /readyz answered 200."""
        give_up_s = time.perf_counter() + within_s
        while time.perf_counter() < give_up_s:
            if self._process.poll() is not None:
                said = self._log_path.read_text()[-500:] if self._log_path is not None else ""
                raise RuntimeError(f"the process ended with {self._process.returncode} before it was ready: {said}")
            if _is_ready(port):
                return time.perf_counter() - self.started_s
            time.sleep(0.002)
        raise RuntimeError("the process was not ready in time")


class Elsewhere:
    """What the rest of the machine did meanwhile: all processors' busy time less that of this benchmark's own processes."""

    def __init__(self, *ours: Running) -> None:
        self._ours = ours
        self._started_s = time.perf_counter()
        self._before_s = self._rest_s()

    def cores(self) -> float:
        """How many cores others used since the start."""
        return round(max(self._rest_s() - self._before_s, 0.0) / (time.perf_counter() - self._started_s), 2)

    def _rest_s(self) -> float:
        spent = [int(number) for number in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
        busy_s = (sum(spent) - spent[3] - spent[4]) / os.sysconf("SC_CLK_TCK")
        return busy_s - sum(os.times()[:4]) - sum(process.cpu_s() for process in self._ours)


def await_calm(within_s: float) -> None:
    """Returns once the machine was nearly idle for a second, or after that long: others may be using it."""
    give_up_s = time.perf_counter() + within_s
    while time.perf_counter() < give_up_s:
        rest = Elsewhere()
        time.sleep(1.0)
        if rest.cores() < CALM_CORES:
            return


def _is_ready(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5.0) as link:
            link.sendall(b"GET /readyz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
            return link.recv(64).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def free_port() -> int:
    """A port of 127.0.0.1 that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def module(name: str, argument: object) -> list[str]:
    """The command that runs a module of this benchmark; its argument goes along as JSON."""
    return [sys.executable, "-m", f"bench.{name}", json.dumps(argument)]


def leadwire(config: Path, *arguments: str, profile: Path | None = None) -> list[str]:
    """The command that a user types, or the same program under the sampler."""
    if profile is None:
        return [str(Path(sys.executable).with_name("leadwire")), "--config", str(config), "run", *arguments]
    return [sys.executable, "-m", "bench.sampled", str(profile), "--config", str(config), "run", *arguments]
