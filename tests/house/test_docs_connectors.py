"""Every connector is documented and has samples, and the list of public names is the list of public names."""

import re

from house.repository import SOURCE, page, sections, words_in_code
from leadwire import sdk

ROOM = SOURCE / "connectors"
NAMES = sorted(path.parent.name for path in ROOM.glob("*/__init__.py"))
ROW = re.compile(r"^\| `(\w+)` \| (?:source|destination)", re.MULTILINE)


def test_every_connector_is_listed_and_no_other() -> None:
    assert NAMES
    assert sorted(ROW.findall(page("docs/connectors.md"))) == NAMES


def test_every_connector_has_a_setup_page_and_samples() -> None:
    lacking = [
        f"{name}/{part}"
        for name in NAMES
        for part in ("setup.md", "samples/index.json")
        if not (ROOM / name / part).is_file()
    ]
    assert lacking == []


def test_the_public_names_of_the_sdk_are_those_of_the_page() -> None:
    listed = sections(page("docs/connectors.md"))["Names of `leadwire.sdk`"].partition("\n\n`leadwire.testing`")[0]
    assert sorted(words_in_code(listed)) == sorted(sdk.__all__)


def test_every_public_name_exists_and_none_is_forgotten() -> None:
    modules = {name for name in vars(sdk) if type(vars(sdk)[name]) is type(sdk)}
    public = {name for name in vars(sdk) if not name.startswith("_")} - modules
    assert public == set(sdk.__all__)
