"""What goes wrong at the start is told in words: what, where, and what to do. Never a traceback."""

import os
import socket

import pytest

from e2e.program import command
from e2e.scene import Scene

pytestmark = pytest.mark.slow


async def refusal(scene: Scene, code: int = 2) -> str:
    """What `leadwire run` says when it does not start."""
    await scene.program.begin()
    assert await scene.program.ended(5.0) == code
    assert "Traceback" not in scene.program.err
    return scene.program.err


async def test_an_unknown_key_is_named_with_the_right_one(scene: Scene) -> None:
    scene.town.settle_in(scene.program.folder, '[retention]\nevent = "30d"\n')
    said = await refusal(scene)
    assert "leadwire.toml" in said
    assert "retention.event" in said
    assert "events" in said


async def test_a_wrong_value_is_named_with_its_place_and_the_fix(scene: Scene) -> None:
    path = scene.town.settle_in(scene.program.folder)
    path.write_text(path.read_text().replace("port = 0", 'port = "eighty"'))
    said = await refusal(scene)
    assert "leadwire.toml" in said
    assert "server.port" in said
    assert "eighty" in said


async def test_a_missing_secret_is_named_and_no_other_secret_is_shown(scene: Scene) -> None:
    path = scene.town.settle_in(scene.program.folder)
    path.write_text(path.read_text().replace("sim-app-secret", "${META_APP_SECRET}"))
    said = await refusal(scene)
    assert "META_APP_SECRET" in said
    assert "sources.meta.app_secret" in said
    assert "sim-page-token" not in said


async def test_broken_toml_is_named_with_its_line(scene: Scene) -> None:
    (scene.program.folder / "leadwire.toml").write_text("[server\nport = 1\n")
    said = await refusal(scene)
    assert "leadwire.toml" in said
    assert "line 1" in said


async def test_a_missing_file_says_how_to_make_one(scene: Scene) -> None:
    assert "leadwire init" in await refusal(scene)


async def test_a_port_that_is_taken_is_named(scene: Scene) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        scene.town.settle_in(scene.program.folder, port=port)
        said = await refusal(scene)
    assert "server.port" in said
    assert str(port) in said


@pytest.mark.parametrize("damage", ["garbage", "truncated", "empty", "header"])
async def test_a_damaged_ledger_is_refused_with_the_way_back_and_left_as_it_is(damage: str, scene: Scene) -> None:
    await scene.open()
    await scene.take(*(scene.sender.site() for _ in range(20)))
    await scene.program.stop()
    ledger = scene.program.ledger
    whole = ledger.read_bytes()
    broken = {
        "garbage": os.urandom(len(whole)),
        "truncated": whole[: len(whole) // 2 - 1000],
        "empty": b"",
        "header": b"nothing of SQLite" + whole[17:],
    }[damage]
    ledger.write_bytes(broken)
    for rest in ("-wal", "-shm"):
        ledger.with_name(ledger.name + rest).unlink(missing_ok=True)
    said = await refusal(scene)
    assert "damaged" in said
    assert str(ledger) in said
    assert "backup" in said.lower()
    assert ledger.read_bytes() == broken
    checked = await command("db", "check", folder=scene.program.folder)
    assert checked.code != 0


async def test_a_folder_that_is_missing_is_named(scene: Scene) -> None:
    scene.town.settle_in(scene.program.folder, '[store]\nurl = "sqlite:///nowhere/leadwire.db"\n')
    said = await refusal(scene)
    assert "nowhere" in said
    assert "[store] url" in said
