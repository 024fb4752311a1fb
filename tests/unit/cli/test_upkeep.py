"""db and simulate: the two that touch a file or a socket themselves."""

import asyncio
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port

from unit.cli.line import Line


class Report(NamedTuple):
    findings: list[str]
    counts: dict[str, int]


class FakeUpkeep:
    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.findings: list[str] = []

    def migrate(self, path: Path, now: int) -> None:
        self.asked.append(("migrate", path, now > 0))

    def backup(self, path: Path, target: Path) -> None:
        self.asked.append(("backup", path, target))

    def check(self, path: Path) -> Report:
        self.asked.append(("check", path))
        return Report(self.findings, {"leads": 3})


@pytest.fixture
def upkeep(line: Line) -> FakeUpkeep:
    fake = FakeUpkeep()
    line.with_means(upkeep=lambda: fake)
    return fake


def test_db_works_on_the_ledger_of_the_config(line: Line, upkeep: FakeUpkeep) -> None:
    ledger, target = line.folder / "leadwire.db", line.folder / "copy.db"
    for arguments in (["migrate"], ["backup", str(target)], ["check"]):
        assert line("db", *arguments).exit_code == 0
    assert upkeep.asked == [("migrate", ledger, True), ("backup", ledger, target), ("check", ledger)]


def test_damage_is_told_and_ends_with_1(line: Line, upkeep: FakeUpkeep) -> None:
    assert line.json("db", "check") == {"ok": True, "findings": [], "counts": {"leads": 3}}
    upkeep.findings = ["row 3 of index x is missing"]
    result = line("db", "check")
    assert result.exit_code == 1
    assert "row 3 of index x is missing" in result.output


def test_a_backup_never_overwrites(line: Line, upkeep: FakeUpkeep) -> None:
    (line.folder / "copy.db").write_bytes(b"mine")
    assert line("db", "backup", str(line.folder / "copy.db")).exit_code == 1
    assert upkeep.asked == []


def test_db_says_what_to_use_for_postgres(line: Line, upkeep: FakeUpkeep) -> None:
    line.write('[store]\nurl = "postgresql://me@db/leads"\n')
    result = line("db", "backup", "x")
    assert result.exit_code == 2
    assert "pg_dump" in result.stderr
    assert upkeep.asked == []


def test_simulate_serves_one_world_and_prints_the_config_for_it(line: Line) -> None:
    told: list[int] = []
    port = unused_port()

    async def ask_once() -> None:
        async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/_sim/state") as answer:
            told.append(answer.status)

    line.with_means(stop_asked=ask_once)
    result = line("simulate", "crm", "--port", str(port))
    assert result.exit_code == 0
    assert '[destinations.crm]\ntype = "http"\n' in result.stdout
    assert told == [200]


def test_simulate_refuses_what_it_is_not(line: Line) -> None:
    assert line("simulate", "nobody").exit_code == 2
    assert line("simulate", "crm", "--rate", "1").exit_code == 2


def test_simulated_leads_are_pushed_where_they_should_go(line: Line) -> None:
    pushed: list[bytes] = []
    port = unused_port()

    async def receive(request: web.Request) -> web.Response:
        pushed.append(await request.read())
        arrived.set()
        return web.Response()

    arrived = asyncio.Event()

    async def until_one_came() -> None:
        app = web.Application()
        app.router.add_post("/webhooks/meta", receive)
        server = TestServer(app, host="127.0.0.1", port=port)
        await server.start_server()
        await arrived.wait()
        await server.close()

    line.with_means(stop_asked=until_one_came)
    push = f"http://127.0.0.1:{port}/webhooks/meta"
    assert line("simulate", "meta", "--push", push, "--rate", "50").exit_code == 0
    assert b'"leadgen"' in pushed[0]
