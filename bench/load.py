"""The load generator, a process of its own: keep-alive connections, requests built beforehand, one thread, no event loop.

Closed loop (`rate` 0): every connection sends its next request when its answer is there; answers are counted after the warm-up.
Open loop: request n is due at start + n / rate whatever became of the others, and its latency counts from then, so that a
server that stalls can't hide it (no coordinated omission).
"""

import hashlib
import hmac
import json
import select
import socket
import sys
import time
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

GIVE_UP_S = 60.0


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What to send. `leads` names a file of [lead, page, form] lists; without it `count` leads are made up, from `first` on.

    `log` takes a JSON list of [lead id, when it was due (µs), when it was answered (µs)].
    """

    port: int
    path: str
    secret: str
    connections: int
    count: int
    first: int = 0
    rate: float = 0.0
    seconds: float = 0.0
    warm_up_s: float = 0.0
    leads: str = ""
    log: str = ""


class Link:
    """One keep-alive connection and the request under way on it."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.due_s = 0.0
        self.number = -1
        self.answer = b""


class Run:
    """One run of a load."""

    def __init__(self, load: Load, requests: Sequence[bytes]) -> None:
        self._load = load
        self._requests = requests
        self._links = {link.socket.fileno(): link for link in (Link(load.port) for _ in range(load.connections))}
        self._free = deque(self._links.values())
        self._epoll = select.epoll()
        for number in self._links:
            self._epoll.register(number, select.EPOLLIN)
        self._next = 0
        self.failed = 0
        self.refusals: Counter[str] = Counter()
        self.lines: list[tuple[int, float, float]] = []

    def go(self) -> dict[str, object]:
        """Sends everything (or for as long as was asked) and answers the figures."""
        started_s = time.perf_counter()
        end_s = started_s + (self._load.warm_up_s + self._load.seconds if self._load.seconds else 1e9)
        if self._load.rate:
            self._open_loop(started_s, end_s)
        else:
            self._closed_loop(end_s)
        self._await_rest()
        for link in self._links.values():
            link.socket.close()
        return self._figures(started_s)

    def _closed_loop(self, end_s: float) -> None:
        now = time.perf_counter()
        while now < end_s and self._next < len(self._requests):
            while self._free and self._next < len(self._requests):
                self._send(self._free.popleft(), now)
            self._take(1.0)
            now = time.perf_counter()

    def _open_loop(self, started_s: float, end_s: float) -> None:
        rate, total = self._load.rate, len(self._requests)
        while self._next < total:
            due_s = started_s + self._next / rate
            now = time.perf_counter()
            if due_s > end_s:
                return
            if due_s <= now and self._free:
                self._send(self._free.popleft(), due_s)
            else:
                self._take(max(due_s - now, 0.0) if self._free else 1.0)

    def _await_rest(self) -> None:
        give_up_s = time.perf_counter() + GIVE_UP_S
        while len(self._free) < len(self._links) and time.perf_counter() < give_up_s:
            self._take(1.0)
        self.failed += len(self._links) - len(self._free)

    def _send(self, link: Link, due_s: float) -> None:
        link.due_s = due_s
        link.number = self._next
        request = self._requests[self._next]
        self._next += 1
        if link.socket.send(request) != len(request):
            raise RuntimeError("a request did not fit into the socket's buffer")

    def _take(self, wait_s: float) -> None:
        """Waits at most that long, to the microsecond (epoll alone knows milliseconds), and reads what came."""
        if not select.select((self._epoll,), (), (), wait_s)[0]:
            return
        for number, _ in self._epoll.poll(0):
            link = self._links[number]
            piece = link.socket.recv(65_536)
            if not piece:
                raise RuntimeError("the server closed a connection")
            link.answer += piece
            if _is_whole(link.answer):
                if link.answer.startswith(b"HTTP/1.1 200"):
                    self.lines.append((link.number, link.due_s, time.perf_counter()))
                else:
                    self.failed += 1
                    self.refusals[link.answer[9:12].decode()] += 1
                link.answer = b""
                self._free.append(link)

    def _figures(self, started_s: float) -> dict[str, object]:
        load = self._load
        first_s = started_s + load.warm_up_s
        last_s = first_s + load.seconds if load.seconds else self.lines[-1][2]
        counted = [line for line in self.lines if first_s <= (line[1] if load.rate else line[2]) <= last_s]
        waits = sorted(answered - due for _, due, answered in counted)
        return {
            "sent": self._next,
            "answered": len(self.lines),
            "failed": self.failed,
            "refusals": dict(self.refusals),
            "rate_per_s": round(len(counted) / (last_s - first_s), 1),
            "p50_ms": round(share(waits, 0.50) * 1e3, 3),
            "p99_ms": round(share(waits, 0.99) * 1e3, 3),
            "max_ms": round(waits[-1] * 1e3, 3),
        }


def share(ordered: Sequence[float], part: float) -> float:
    """The value below which this part of an ordered list lies."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def _is_whole(answer: bytes) -> bool:
    end = answer.find(b"\r\n\r\n")
    if end < 0:
        return False
    at = answer.find(b"content-length: ")
    return len(answer) - end - 4 >= int(answer[at + 16 : answer.find(b"\r", at)])


def made_up(first: int, count: int) -> Iterable[tuple[str, str, str]]:
    """Lead, page and form ids that no other call of this benchmark makes."""
    for number in range(first, first + count):
        yield str(2_000_000_000_000_000 + number), "138124712925158", "172036835026334"


def build(load: Load, leads: Iterable[tuple[str, str, str]]) -> list[bytes]:
    """Signed webhooks as Meta sends them, one lead each."""
    key, requests, now_s = load.secret.encode(), [], int(time.time())
    head = (
        f"POST {load.path} HTTP/1.1\r\nHost: 127.0.0.1:{load.port}\r\nAccept: */*\r\nUser-Agent: facebookexternalua\r\n"
        "Content-Type: application/json\r\nX-Hub-Signature-256: sha256="
    ).encode()
    for lead, page, form in leads:
        body = (
            f'{{"object":"page","entry":[{{"id":"{page}","time":{now_s},"changes":[{{"value":{{"ad_id":"120210000000000001",'
            f'"adgroup_id":"120210000000000001","form_id":"{form}","leadgen_id":"{lead}","created_time":{now_s},'
            f'"page_id":"{page}"}},"field":"leadgen"}}]}}]}}'
        ).encode()
        signature = hmac.digest(key, body, hashlib.sha256).hex().encode()
        requests.append(head + signature + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    return requests


def main() -> None:
    """Builds the requests, says so, waits for a line, runs, and prints the figures."""
    load = msgspec.json.decode(sys.argv[1], type=Load)
    leads = json.loads(Path(load.leads).read_text()) if load.leads else list(made_up(load.first, load.count))
    leads = leads[load.first : load.first + load.count] if load.leads else leads
    requests = build(load, leads)
    print(json.dumps({"built": len(requests)}), flush=True)
    sys.stdin.readline()
    run = Run(load, requests)
    to_wall_s = time.time() - time.perf_counter()
    figures = run.go()
    if load.log:
        lines = [
            (leads[number][0], int((due + to_wall_s) * 1e6), int((answered + to_wall_s) * 1e6))
            for number, due, answered in run.lines
        ]
        Path(load.log).write_text(json.dumps(lines))
    print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    main()
