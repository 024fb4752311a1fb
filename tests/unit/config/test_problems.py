"""Every mistake is named with file, key, value and fix, and no secret is ever shown."""

from collections.abc import Callable
from pathlib import Path

import pytest

from leadwire.config import load
from leadwire.model.errors import ConfigError

ProblemsOf = Callable[..., list[str]]
SOURCE = '[sources.a]\ntype = "acme"\nurl = "https://a.example"\nsecret = "s3cret"\n'
DESTINATION = '[destinations.d]\ntype = "acme"\nurl = "https://d.example"\nsecret = "s3cret"\n'

CASES: dict[str, tuple[str, list[str]]] = {
    "an unknown section": ("[soruces.a]\n", ['soruces: there is no such setting; did you mean "sources"?']),
    "an unknown setting": ("[store]\nurll = 1\n", ['store.urll: there is no such setting; did you mean "url"?']),
    "an unknown setting like none": (
        "[store]\nzzz = 1\n",
        ["store.zzz: there is no such setting; known settings: url"],
    ),
    "a section that is no table": (
        "[store]\n[retention]\nevents = 3\n",
        ["retention.events = 3: expected a text, got int"],
    ),
    "a duration without a unit": (
        SOURCE + 'poll = "5"\n',
        [
            'sources.a.poll = "5": "5" is no duration: write a number and a unit, such as "500ms", "30s", "5m", "2h" or "7d"',
        ],
    ),
    "a rate without a window": (
        DESTINATION + 'rate = "10"\n',
        ['destinations.d.rate = "10": "10" is no rate: write a number, a slash and a unit, such as "10/s" or "1200/m"'],
    ),
    "a wrong choice": (
        SOURCE + 'test_leads = "dorp"\n',
        ['sources.a.test_leads = "dorp": expected one of "flag", "drop", "deliver"; did you mean "drop"?'],
    ),
    "a number as a text": (
        DESTINATION + 'batch = "5"\n',
        ['destinations.d.batch = "5": expected a whole number, got a text'],
    ),
    "a number too small": (SOURCE + "size = 0\n", ["sources.a.size = 0: expected a whole number >= 1"]),
    "a missing type": ("[sources.a]\n", ['sources.a.type: is missing: add type = "…", one of ']),
    "an unknown type": (
        '[sources.a]\ntype = "acm"\n',
        ['sources.a.type = "acm": there is no such type; did you mean "acme"? '],
    ),
    "missing settings": (
        '[sources.a-b]\ntype = "acme"\n',
        [
            'sources.a-b.url: is missing: add url = "…" (Where it is reached)',
            'sources.a-b.secret: is missing: add secret = "${A_B_SECRET}" (Signs every request)',
        ],
    ),
    "a wrong item of a list": (
        SOURCE + 'pages = [{ id = "1", access_token = "t" }, { id = "x", access_tokn = "hidden" }]\n',
        [
            'sources.a.pages[1].access_tokn: there is no such setting; did you mean "access_token"?',
            'sources.a.pages[1].id = "x": does not look right: The number of the page.',
            'sources.a.pages[1].access_token: is missing: add access_token = "${A_PAGES_1_ACCESS_TOKEN}" (The token of the page)',
        ],
    ),
    "a secret that is a number": (SOURCE + "spare = 12345\n", ["sources.a.spare: expected a text, got a whole number"]),
    "a secret inside a table": (
        SOURCE + "headers = { auth = 7 }\n",
        ["sources.a.headers.auth: expected a text, got a whole number"],
    ),
    "an empty secret": (
        SOURCE.replace('"s3cret"', '""'),
        ["sources.a.secret: is empty: give it the secret's value"],
    ),
    "a connector's own refusal of one setting": (
        SOURCE.replace("https://a.example", "nowhere"),
        ['sources.a.url = "nowhere": leads nowhere: write an address'],
    ),
    "a connector's own refusal of several": (SOURCE + "size = 101\n", ["sources.a: a size over 100 needs pages"]),
    "a name with a capital": (
        '[sources.Bad]\ntype = "acme"\n',
        ["sources.Bad: a name has 1 to 40 small letters, digits, _ and -"],
    ),
    "a store of another kind": (
        '[store]\nurl = "mysql://me:pw@host/db"\n',
        ['store.url = "mysql://me:…@host/db": names no ledger: write "sqlite:///leadwire.db" or '],
    ),
    "an allowance with a scheme": (
        '[egress]\nallow = ["http://x"]\n',
        ['egress.allow: has "http://x" is no network, address or host name: write "10.0.0.0/8"'],
    ),
    "a region in words": (
        '[identity]\ndefault_region = "India"\n',
        ['identity.default_region = "India": does not look right: The country of'],
    ),
    "an unset variable": (
        SOURCE.replace("s3cret", "${NOT_SET}"),
        ["sources.a.secret: the environment variable NOT_SET is not set: export NOT_SET=… before the start"],
    ),
    "an empty variable": (
        SOURCE.replace("s3cret", "${EMPTY}"),
        ["sources.a.secret: the environment variable EMPTY is empty: give it the secret's value"],
    ),
    "a variable with a strange name": (
        SOURCE.replace("s3cret", "${NOT-A NAME}"),
        ["sources.a.secret: ${NOT-A NAME} names no environment variable"],
    ),
    "a secret's file that is not there": (
        SOURCE.replace("s3cret", "file:gone"),
        ["sources.a.secret: the file "],
    ),
    "a sync from and to nowhere": (
        SOURCE + '[syncs.s]\nfrom = ["aa"]\nto = "d"\n',
        [
            'syncs.s.from[0] = "aa": there is no source of this name; did you mean "a"?',
            'syncs.s.to = "d": there is no destination of this name; add [destinations.d], or name one of: none yet',
        ],
    ),
    "a sync from nothing": (
        SOURCE + DESTINATION + '[syncs.s]\nfrom = []\nto = "d"\n',
        ["syncs.s.from: names no source: list at least one"],
    ),
    "expressions that do not compile": (
        SOURCE + DESTINATION + '[syncs.s]\nfrom = ["a"]\nto = "d"\nwhere = "a =="\nfields = { name = "[" }\n',
        [
            'syncs.s.where = "a ==": something is missing at the end',
            'syncs.s.fields.name = "[": ',
        ],
    ),
    "trigger paths that clash": (
        SOURCE
        + DESTINATION
        + '[syncs.s]\nfrom = ["a"]\nto = "d"\ntrigger_path = "/go"\n'
        + '[syncs.t]\nfrom = ["a"]\nto = "d"\ntrigger_path = "/go"\n'
        + '[syncs.u]\nfrom = ["a"]\nto = "d"\ntrigger_path = "/api/go"\n'
        + '[syncs.v]\nfrom = ["a"]\nto = "d"\ntrigger_path = "go"\n',
        [
            'syncs.t.trigger_path = "/go": the sync "s" has this path already: choose another',
            'syncs.u.trigger_path = "/api/go": leadwire itself answers below /api: choose another path',
            'syncs.v.trigger_path = "go": is no path: write it as "/sync-kv-now"',
        ],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_mistake_is_named_with_its_key_and_its_fix(case: str, problems_of: ProblemsOf) -> None:
    text, expected = CASES[case]
    found = problems_of(text, EMPTY="")
    assert len(found) == len(expected), found
    for line, beginning in zip(found, expected, strict=True):
        assert line.startswith(f"leadwire.toml: {beginning}"), line


def test_all_mistakes_are_told_at_once(problems_of: ProblemsOf) -> None:
    found = problems_of('prot = 1\nport = 70000\n[store]\nurl = 5\n[sources.a]\ntype = "acme"\n')
    assert [line.split(":")[1].split(" =")[0].strip() for line in found] == [
        "server.prot",
        "server.port",
        "store.url",
        "sources.a.url",
        "sources.a.secret",
    ]


@pytest.mark.parametrize("case", CASES)
def test_no_message_shows_a_secret(case: str, problems_of: ProblemsOf) -> None:
    text = "\n".join(problems_of(CASES[case][0], EMPTY=""))
    assert "s3cret" not in text
    assert "hidden" not in text
    assert "12345" not in text


def test_a_value_from_the_environment_is_shown_as_the_file_has_it(problems_of: ProblemsOf) -> None:
    found = problems_of(SOURCE + 'poll = "${EVERY}"\n', EVERY="h1dden")
    (line,) = found
    assert line.startswith('leadwire.toml: sources.a.poll = "${EVERY}": "${EVERY}" is no duration: write a number')
    assert "h1dden" not in line


def test_an_empty_secrets_file_is_named(folder: Path, problems_of: ProblemsOf) -> None:
    (folder / "blank").write_text(" \n", encoding="utf-8")
    (line,) = problems_of(SOURCE + 'spare = "file:blank"\n')
    assert line == f"leadwire.toml: sources.a.spare: the file {folder}/blank is empty: write the secret into it"


def test_a_type_without_the_role_is_refused_with_those_that_have_it(folder: Path, problems_of: ProblemsOf) -> None:
    only = folder / "own" / "only_out"
    only.mkdir()
    (only / "__init__.py").write_text(
        "import msgspec\nfrom leadwire.sdk import Connector\n"
        "class Settings(msgspec.Struct, frozen=True):\n    pass\n"
        "connector = Connector(type_name='only_out', title='Out', settings=Settings, destination=lambda s, t: None)\n",
        encoding="utf-8",
    )
    (line,) = problems_of('[sources.x]\ntype = "only_out"\n')
    assert line.startswith('leadwire.toml: sources.x.type = "only_out": this type is no source; types of sources: ')
    assert "acme" in line.rpartition(":")[2]
    assert "only_out" not in line.rpartition(":")[2]


def test_a_file_that_is_no_toml_names_the_line(folder: Path) -> None:
    path = folder / "leadwire.toml"
    path.write_text("[server]\nport = = 3\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"^leadwire\.toml: is no TOML: .*line 2"):
        load(path, {})


def test_a_missing_file_says_how_to_get_one(folder: Path) -> None:
    with pytest.raises(ConfigError, match="write one with leadwire init, or name yours with --config"):
        load(folder / "leadwire.toml", {})


def test_a_file_of_other_bytes_is_no_text(folder: Path) -> None:
    path = folder / "leadwire.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="no UTF-8 text"):
        load(path, {})


def test_a_missing_folder_of_connectors_is_named(tmp_path: Path) -> None:
    path = tmp_path / "leadwire.toml"
    path.write_text('[server]\nconnectors = "mine"\n', encoding="utf-8")
    with pytest.raises(ConfigError, match=r'server\.connectors = "mine": there is no folder .*mine: make it'):
        load(path, {})
