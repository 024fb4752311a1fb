"""The README's first screen does what it says."""

import ast
import struct
from collections.abc import Sequence
from pathlib import Path

import msgspec

from house.repository import ROOT, blocks, page
from leadwire.config import load
from leadwire.model.record import Record, StoredRecord
from leadwire.rules.merge import document
from leadwire.sdk import Delivered, Delivery, HttpAnswer, HttpRequest, Receipt, Rejected, Retryable, Tools

README = ROOT / "README.md"
LINE = StoredRecord(
    sequence=1,
    source="site",
    lead_id="l",
    via="webhook",
    received_at=0,
    stored_at=0,
    content=Record(native_id="1", kind="form"),
    fingerprint="",
)
LINES_MAX = 35


class FakeHttp:
    def __init__(self, status: int) -> None:
        self.status = status
        self.sent: list[HttpRequest] = []

    async def send(self, request: HttpRequest) -> HttpAnswer:
        self.sent.append(request)
        return HttpAnswer(status=self.status, headers={}, body=b"")


async def _delivered(folder: Path, http: FakeHttp) -> Sequence[Receipt]:
    """The smallest destination, as a reader would set it up: a folder, a configuration, a delivery."""
    room = folder / "connectors" / "room"
    room.mkdir(parents=True)
    (room / "__init__.py").write_text(blocks(README, "python")[0], encoding="utf-8")
    path = folder / "leadwire.toml"
    path.write_text(next(text for text in blocks(README, "toml") if 'type = "room"' in text), encoding="utf-8")
    lane = load(path, {"ROOM_URL": "https://room.example/key", "SITE_SECRET": "s" * 32}).destinations["sales"]
    assert lane.connector.destination is not None
    destination = lane.connector.destination(lane.settings, Tools(name="sales", http=http, now=lambda: 0))
    delivery = Delivery(
        key="01a_r1_sales",
        type="lead.created",
        lead_id="01a",
        version=1,
        owed_at=0,
        data=msgspec.Raw(b'{"full_name":"Asha Rao","phone":"+918123456789"}'),
        attempt=1,
        uncertain=False,
    )
    return await destination.deliver([delivery])


async def test_the_smallest_destination_delivers(tmp_path: Path) -> None:
    http = FakeHttp(200)
    assert await _delivered(tmp_path, http) == [Delivered(status=200)]
    (sent,) = http.sent
    assert (sent.url, sent.body) == ("https://room.example/key", b'{"text":"Asha Rao +918123456789"}')


async def test_the_smallest_destination_says_what_a_refusal_means(tmp_path: Path) -> None:
    (passing,) = await _delivered(tmp_path / "passing", FakeHttp(503))
    (final,) = await _delivered(tmp_path / "final", FakeHttp(404))
    assert isinstance(passing, Retryable)
    assert isinstance(final, Rejected)


def test_the_smallest_destination_is_small() -> None:
    code = blocks(README, "python")[0]
    assert len([line for line in code.splitlines() if line.strip()]) <= LINES_MAX
    modules = {node.module for node in ast.walk(ast.parse(code)) if isinstance(node, ast.ImportFrom)}
    assert {name for name in modules if name and name.startswith("leadwire")} == {"leadwire.sdk"}


def test_the_two_commands_are_there() -> None:
    commands = {line.split("#")[0].strip() for line in blocks(README, "sh")[0].splitlines()}
    assert commands == {"make demo", "make test"}
    makefile = page("Makefile")
    assert "\ndemo:" in makefile
    assert "\ntest:" in makefile


def test_the_shown_lead_is_a_page_of_the_api() -> None:
    (shown,) = [msgspec.json.decode(text) for text in blocks(README, "json")]
    assert set(shown) == {"items", "next"}
    (lead,) = shown["items"]
    assert set(lead) == set(document("l", 1, [LINE], now=0, region=None))
    assert lead["records"][0]["source"] == "site"


def test_the_picture_is_one_screen() -> None:
    assert "](docs/images/inbox.png)" in page("README.md")
    head = (ROOT / "docs" / "images" / "inbox.png").read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", head[16:24]) == (1280, 800)


def test_the_sections_come_in_their_order() -> None:
    titles = [line[3:] for line in page("README.md").splitlines() if line.startswith("## ")]
    assert titles[:3] == [
        "A lead, from curl to the API",
        "The smallest destination, in full",
        "Use something else when",
    ]
    assert {"Numbers", "What the usual scripts get wrong", "Not there yet"} <= set(titles)
