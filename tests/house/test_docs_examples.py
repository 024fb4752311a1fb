"""Every configuration in the pages is right: it loads, as a reader would load it."""

import re
from pathlib import Path

import pytest

from house.repository import ROOT, SOURCE, blocks, shown
from leadwire.config import load

PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted(SOURCE.glob("connectors/*/setup.md")))
VARIABLE = re.compile(r"\$\{(\w+)\}")
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
STAND_INS = {
    "meta": '[sources.meta]\ntype = "meta_lead_ads"\napp_secret = "a"\nverify_token = "b"\n',
    "site": f'[sources.site]\ntype = "webhook"\nsecret = "{SECRET}"\n',
    "crm": '[destinations.crm]\ntype = "http"\nurl = "https://crm.example.com/leads"\n',
}
EXAMPLES = [
    pytest.param(text, id=f"{shown(page)}-{number}")
    for page in PAGES
    for number, text in enumerate(blocks(page, "toml"))
    if re.search(r"^\[", text, re.MULTILINE)
]


def _completed(text: str) -> str:
    """The example with the sources and destinations that it only names."""
    lacking = [part for name, part in STAND_INS.items() if f'"{name}"' in text and f".{name}]\ntype" not in text]
    return "\n".join([text, *lacking])


def _room(folder: Path) -> None:
    """The README's own connector, where an example names the folder of connectors."""
    room = folder / "connectors" / "room"
    room.mkdir(parents=True)
    (room / "__init__.py").write_text(blocks(ROOT / "README.md", "python")[0], encoding="utf-8")


@pytest.mark.parametrize("text", EXAMPLES)
def test_the_example_loads(text: str, tmp_path: Path) -> None:
    _room(tmp_path)
    path = tmp_path / "leadwire.toml"
    path.write_text(_completed(text), encoding="utf-8")
    environment = {
        name: "https://room.example.com/k" if name.endswith("URL") else SECRET for name in VARIABLE.findall(text)
    }
    config = load(path, environment)
    assert config.sources or config.destinations


def test_there_are_examples_on_every_page_that_should_have_one() -> None:
    pages = {str(example.id).rpartition("-")[0] for example in EXAMPLES}
    assert {"README.md", "docs/start.md", "docs/lead-document.md"} <= pages
    assert {
        f"src/leadwire/connectors/{path.parent.name}/setup.md" for path in SOURCE.glob("connectors/*/setup.md")
    } <= pages
