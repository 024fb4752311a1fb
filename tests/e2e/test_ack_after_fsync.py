"""T20: between reading a webhook and answering it 2xx, the log that holds it was synced. Watched from outside, by strace."""

import asyncio
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from e2e.program import RUN
from e2e.scene import Scene
from e2e.sender import Sent

STRACE = shutil.which("strace")
SEQUENTIAL, CONCURRENT, AT_ONCE = 100, 300, 16
CALLS = "read,recvfrom,recvmsg,write,writev,sendto,sendmsg,pwrite64,fdatasync,fsync"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(STRACE is None, reason="strace is not installed (Debian: apt-get install strace)"),
]

_LINE = re.compile(r"^(?P<thread>\d+) +(?P<text>.*)$")
_CALL = re.compile(r"^(?P<name>\w+)\((?P<fd>\d+)<(?P<file>.*?)>(?=[,) ])(?P<rest>.*)$")
_RESUMED = re.compile(r"^<\.\.\. (?P<name>\w+) resumed>(?P<rest>.*)$")
_SITE_ID = re.compile(r"site-\d{7}")
_READS = frozenset({"read", "recvfrom", "recvmsg"})
_WRITES = frozenset({"write", "writev", "sendto", "sendmsg"})
_SYNCS = frozenset({"fdatasync", "fsync"})


class Call(msgspec.Struct):
    """A system call as strace saw it: at which line it began and ended, on what file, with what text."""

    name: str
    file: str
    began: int
    ended: int
    text: str


def read_calls(trace: str) -> list[Call]:
    """The finished calls, in the order in which they began. A call that was cut short by others is put together."""
    calls: list[Call] = []
    open_calls: dict[str, Call] = {}
    for number, line in enumerate(trace.splitlines()):
        found = _LINE.match(line)
        if found is None:
            continue
        thread, text = found["thread"], found["text"]
        if resumed := _RESUMED.match(text):
            begun = open_calls.pop(thread, None)
            if begun is not None:
                begun.ended, begun.text = number, begun.text + resumed["rest"]
                calls.append(begun)
        elif call := _CALL.match(text):
            seen = Call(call["name"], call["file"], number, number, call["rest"])
            if text.endswith("<unfinished ...>"):
                open_calls[thread] = seen
            else:
                calls.append(seen)
    return sorted(calls, key=lambda call: call.began)


class Verdict(msgspec.Struct, kw_only=True):
    """How many answers came after a sync that covers their event, and which did not."""

    ordered: int = 0
    early: list[str] = []
    syncs: int = 0


def judge(calls: list[Call], wal: str) -> Verdict:
    """For each webhook: its bytes are read, then written to the log, then the log is synced, then the answer is written."""
    verdict = Verdict()
    log_writes: dict[str, Call] = {}
    asked: dict[str, tuple[str, Call]] = {}
    synced: list[Call] = []
    for call in calls:
        if call.name in _READS and "/webhooks/site" in call.text and (name := _SITE_ID.search(call.text)):
            asked[call.file] = name[0], call
        elif call.name == "pwrite64" and call.file == wal:
            for name in set(_SITE_ID.findall(call.text)):
                log_writes.setdefault(name, call)
        elif call.name in _SYNCS and call.file == wal:
            synced.append(call)
        elif call.name in _WRITES and call.file in asked and "HTTP/1.1 2" in call.text:
            name_asked, request = asked.pop(call.file)
            written = log_writes.get(name_asked)
            is_covered = written is not None and any(
                request.ended <= written.began and written.ended <= sync.began and sync.ended <= call.began
                for sync in synced[-50:]
            )
            verdict.ordered += is_covered
            if not is_covered:
                verdict.early.append(name_asked)
    verdict.syncs = len(synced)
    return verdict


@pytest.fixture
async def trace(scene: Scene) -> AsyncIterator[Path]:
    assert STRACE is not None
    path = scene.program.folder / "trace"
    scene.program.launch = [STRACE, "-f", "-yy", "-s", "4200", "-e", f"trace={CALLS}", "-o", str(path), *RUN]
    yield path
    scene.program.launch = RUN


async def send_all(scene: Scene, webhooks: list[Sent], at_once: int) -> None:
    async def work() -> None:
        while webhooks:
            await scene.take(webhooks.pop())

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(work())


def text_of(trace: Path) -> str:
    return trace.read_text(errors="replace")


@pytest.mark.parametrize(("count", "at_once"), [(SEQUENTIAL, 1), (CONCURRENT, AT_ONCE)], ids=["alone", "together"])
async def test_every_2xx_comes_after_the_sync_that_covers_its_event(
    count: int, at_once: int, scene: Scene, trace: Path
) -> None:
    scene.town.crm_fails(hang_share=1.0)  # deliveries would only lengthen the trace
    scene.town.settle_in(scene.program.folder)
    await scene.program.start(within_s=60.0)
    scene.sender.url = scene.program.url
    await send_all(scene, [scene.sender.site() for _ in range(count)], at_once)
    await scene.program.kill()
    verdict = judge(read_calls(text_of(trace)), f"{scene.program.ledger}-wal")
    print(
        f"\n{verdict.ordered} of {count} answers after a sync that covers them; {verdict.syncs} syncs, {at_once} at once"
    )
    assert verdict.early == []
    assert verdict.ordered == count


def test_the_judge_sees_an_answer_that_comes_before_its_sync() -> None:
    wal = "/ledger-wal"
    read = '7  read(9<TCP:[127.0.0.1:1->127.0.0.1:2]>, "POST /webhooks/site HTTP/1.1\\r\\nwebhook-id: site-0000001", 999) = 60'
    log = f'8  pwrite64(5<{wal}>, "site-0000001", 4096, 0) = 4096'
    sync = f"8  fdatasync(5<{wal}>) = 0"
    answer = '7  write(9<TCP:[127.0.0.1:1->127.0.0.1:2]>, "HTTP/1.1 200 OK", 15) = 15'
    begun = f"8  fdatasync(5<{wal}> <unfinished ...>"
    ended = "8  <... fdatasync resumed>) = 0"
    good = judge(read_calls("\n".join([read, log, begun, ended, answer])), wal)
    assert (good.ordered, good.early) == (1, [])
    for bad in (
        [read, log, answer, sync],
        [read, sync, log, answer],
        [read, sync, answer],
        [log, sync, read, answer],
        [read, log, begun, answer, ended],
    ):
        assert judge(read_calls("\n".join(bad)), wal).early == ["site-0000001"], bad
