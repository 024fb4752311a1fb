"""One process has the ledger; commands work beside it, and without it."""

import asyncio
import sys
import time
from pathlib import Path

import pytest

import leadwire
from e2e.audit import audit
from e2e.program import BARE, Program, command
from e2e.scene import Scene
from e2e.until import until, until_seen
from leadwire.simulators.crm.faults import Faults as CrmFaults

pytestmark = pytest.mark.slow


async def test_a_second_instance_is_refused_within_two_seconds_and_changes_nothing(scene: Scene) -> None:
    await scene.open()
    await scene.take(scene.sender.site())
    await audit(scene.sender.book, scene.town, scene.program)
    second_log = scene.program.folder / "second"
    second_log.mkdir()
    began_at = time.monotonic()
    config = str(scene.program.folder / "leadwire.toml")
    refused = await command("run", "--config", config, folder=second_log)
    took_s = time.monotonic() - began_at
    assert refused.code == 2
    assert str(scene.program.pid) in refused.err
    assert "in use" in refused.err
    assert took_s < 2.0
    await scene.take(scene.sender.site())
    found = await audit(scene.sender.book, scene.town, scene.program)
    assert found.is_sound, found
    assert found.arrived == 2


async def test_a_killed_process_holds_nothing_back(scene: Scene) -> None:
    await scene.open()
    await scene.program.kill()
    assert scene.program.announcement() is None
    assert await scene.go_on() < 10.0


async def dead_letters(scene: Scene, count: int) -> None:
    """So many leads that the CRM refuses for good."""
    scene.town.crm.faults = CrmFaults(poison_texts=("poison",))
    await scene.take(*(scene.sender.site(message="poison") for _ in range(count)))

    async def are_dead() -> bool:
        return len(await scene.program.items("/api/v1/deliveries?state=dead")) == count

    await until(are_dead, 10.0, "dead letters")


@pytest.mark.parametrize("is_up", [True, False], ids=["while the server runs", "while it does not"])
async def test_every_question_is_answered_beside_the_server_and_without_it(is_up: bool, scene: Scene) -> None:
    folder = scene.program.folder
    await scene.open()
    await dead_letters(scene, 2)
    await scene.take(scene.sender.site())
    await until_seen(lambda: scene.town.crm.rows, 10.0, "the good lead at the CRM")
    if not is_up:
        await scene.program.stop()
    status = (await command("status", "--json", folder=folder)).json()
    assert [source["name"] for source in status["sources"]] == ["meta", "knowlarity", "site"]
    assert [(lane["name"], lane["dead"]) for lane in status["destinations"]] == [("crm", 2)]
    assert status["ready"] is is_up
    leads = (await command("leads", "list", "--json", folder=folder)).json()["items"]
    assert len(leads) == 3
    shown = (await command("leads", "show", leads[0]["id"], "--json", folder=folder)).json()
    assert shown["records"][0]["source"] == "site"
    dead = (await command("dead", "list", "--json", folder=folder)).json()["items"]
    assert [item["last_status"] for item in dead] == [422, 422]
    made = (await command("token", "create", "--json", folder=folder)).json()
    assert set(made) == {"token", "id", "scopes"}
    assert made["scopes"] == ["read", "write", "trigger"]
    scene.town.crm_fails()
    replayed = await command("dead", "replay", dead[0]["id"], "--json", folder=folder)
    assert replayed.json() == {"replayed": 1}
    rest = await command("dead", "replay", "all", "--destination", "crm", "--json", folder=folder)
    assert rest.json() == {"replayed": 1}
    if not is_up:
        await scene.go_on()
    found = await audit(scene.sender.book, scene.town, scene.program)
    assert found.is_sound, found
    assert found.arrived == 3
    headers = {"Authorization": f"Bearer {made['token']}"}
    async with scene.program.session.get(f"{scene.program.url}/api/v1/leads", headers=headers) as answer:
        assert answer.status == 200


async def test_a_token_can_be_made_before_the_first_run(scene: Scene) -> None:
    scene.town.settle_in(scene.program.folder)
    made = (await command("token", "create", "--json", folder=scene.program.folder)).json()
    await scene.go_on()
    headers = {"Authorization": f"Bearer {made['token']}"}
    async with scene.program.session.get(f"{scene.program.url}/api/v1/status", headers=headers) as answer:
        assert answer.status == 200


async def test_a_failing_command_says_so_with_exit_code_1(scene: Scene) -> None:
    await scene.open()
    missing = await command("leads", "show", "nobody", folder=scene.program.folder)
    assert missing.code == 1
    assert "404" in missing.err


async def test_a_backup_under_load_is_sound_and_holds_all_that_was_taken_before_it(
    scene: Scene, tmp_path: Path
) -> None:
    await scene.open()
    stopped = asyncio.Event()
    load = asyncio.create_task(scene.sender.load(stopped, workers=4))
    await until_seen(lambda: len(scene.sender.book.acked) > 100, 20.0, "a load")
    taken = len(scene.sender.book.acked)
    target = tmp_path / "restored" / "leadwire.db"
    target.parent.mkdir()
    made = await command("db", "backup", str(target), folder=scene.program.folder)
    live = await command("db", "check", "--json", folder=scene.program.folder)
    stopped.set()
    await load
    assert made.code == 0, made.err
    assert live.json()["ok"] is True
    await scene.program.stop()
    scene.town.settle_in(target.parent)
    checked = (await command("db", "check", "--json", folder=target.parent)).json()
    assert checked["ok"] is True
    assert checked["counts"]["events"] > 0
    async with Program(target.parent) as restored:
        await restored.start()
        await audit_restored(scene, restored, taken)


async def audit_restored(scene: Scene, restored: Program, taken: int) -> None:
    """Every record that was taken before the backup began is in the restored ledger."""

    async def kept() -> set[tuple[str, str]]:
        leads = await restored.items("/api/v1/leads")
        return {(line["source"], line["native_id"]) for lead in leads for line in lead["records"]}

    early = set(list(scene.sender.book.outcomes)[:taken]) & scene.sender.book.acked

    async def has_all() -> bool:
        return early <= await kept()

    await until(has_all, 20.0, "all early records in the restored ledger")
    assert len(early) > 50


async def test_the_module_is_the_command(tmp_path: Path) -> None:
    asked = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "leadwire", "--version"), cwd=tmp_path, env=BARE, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await asked.communicate()
    assert asked.returncode == 0
    assert said.decode().strip() == f"leadwire {leadwire.__version__}"
