"""The README's lead: its configuration and its shell lines, run as they stand there, show what it says they show."""

import asyncio
import os
import re
import shutil
import signal
import socket
from pathlib import Path

import msgspec
import pytest

from e2e.program import BARE, EXECUTABLE

README = Path(__file__).parents[2] / "README.md"
PORT = "8080"
MISSING = [tool for tool in ("bash", "curl", "openssl") if shutil.which(tool) is None]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(MISSING), reason=f"the README's example needs {', '.join(MISSING)}"),
]


def block(kind: str, word: str) -> str:
    """The README's first code block of this kind that holds the word."""
    found = [text for text in re.findall(rf"```{kind}\n(.*?)```", README.read_text(), re.DOTALL) if word in text]
    assert found, f"README.md has no ```{kind} block with {word} in it"
    return str(found[0])


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


async def run_lines(lines: str, folder: Path) -> str:
    """Runs shell lines in the folder and answers what they printed; whatever they started is gone afterwards."""
    process = await asyncio.create_subprocess_exec(
        *("bash", "-e", "-c", f"trap 'kill %1; wait %1' EXIT\n{lines}"),
        cwd=folder,
        env=BARE | {"PATH": f"{EXECUTABLE.parent}:{os.environ['PATH']}"},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(60.0):
            out, err = await process.communicate()
    except TimeoutError:
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        raise AssertionError("the README's lines did not come to an end") from None
    assert process.returncode == 0, err.decode()
    return out.decode()


def answers(printed: str) -> list[dict[str, object]]:
    """The JSON documents among what was printed; they stand side by side, as curl adds no line ends. Log lines are left out."""
    decoder = msgspec.json.Decoder(type=dict[str, object])
    found = []
    for text in re.split(r"(?<=\})(?=\{)|\n", printed):
        if text.startswith("{"):
            document = decoder.decode(text)
            found += [] if "level" in document else [document]
    return found


async def test_the_lead_of_the_readme_arrives_as_shown(tmp_path: Path) -> None:
    port = free_port()
    config = block("toml", "[sources.site]")
    assert "[server]" not in config
    (tmp_path / "leadwire.toml").write_text(f"[server]\nport = {port}\n\n{config}")
    lines = block("sh", "curl").replace(f":{PORT}/", f":{port}/")
    shown = answers(await run_lines(lines, tmp_path))
    assert {"status": "stored"} in shown
    (page,) = [document for document in shown if "items" in document]
    promised = msgspec.json.decode(block("json", "items"))
    assert same(page) == same(promised)


def same(page: object) -> object:
    """A page of leads without what differs from run to run: ids and times."""
    text = msgspec.json.encode(page).decode()
    return msgspec.json.decode(
        re.sub(r'"(id|created_at|updated_at|received_at|next)":("[^"]*"|null)', r'"\1":null', text)
    )
