"""A right file becomes a frozen Config: secrets resolved, defaults of the connector taken, files relative to the folder."""

from collections.abc import Callable
from pathlib import Path

import pytest

from leadwire.config import Config, load_place
from leadwire.model.errors import ConfigError
from leadwire.rules.mapping import Mapping
from leadwire.sdk import Duration, Rate, Secret

ConfigOf = Callable[..., Config]
SOURCE = '[sources.a]\ntype = "acme"\nurl = "https://a.example"\nsecret = "s"\n'
DESTINATION = '[destinations.d]\ntype = "acme"\nurl = "https://d.example"\nsecret = "s"\n'


def test_an_empty_file_is_a_right_one(config_of: ConfigOf, folder: Path) -> None:
    config = config_of("")
    assert config.server.port == 8080
    assert config.store.file == folder / "leadwire.db"
    assert config.folder == folder
    assert (config.sources, config.destinations, config.syncs) == ({}, {}, {})


def test_the_environment_fills_texts_also_inside_longer_ones(config_of: ConfigOf) -> None:
    text = SOURCE.replace("a.example", "${HOST}/${PATH_}/$${KEPT}").replace('"s"', '"${S}"')
    config = config_of(text, HOST="h.example", PATH_="p", S="shh")
    assert config.sources["a"].settings.url == "https://h.example/p/${KEPT}"
    assert config.sources["a"].settings.secret == Secret("shh")


def test_the_environment_gives_numbers_and_truths_too(config_of: ConfigOf) -> None:
    config = config_of('port = "${PORT}"\n' + SOURCE + 'identity = "${ON}"\n', PORT="9000", ON="true")
    assert config.server.port == 9000
    assert config.sources["a"].identity is True


def test_a_secret_is_read_from_a_file_relative_to_the_config(config_of: ConfigOf, folder: Path) -> None:
    (folder / "secrets").mkdir()
    (folder / "secrets" / "one").write_text("from a file\n", encoding="utf-8")
    (folder / "two").write_text("absolute", encoding="utf-8")
    text = SOURCE.replace('"s"', '"file:secrets/one"') + f'spare = "file:{folder}/two"\n'
    text += f'pages = [{{ id = "1", access_token = "file://{folder}/two" }}]\n'
    settings = config_of(text).sources["a"].settings
    assert settings.secret.reveal() == "from a file"
    assert settings.spare.reveal() == "absolute"
    assert settings.pages[0].access_token.reveal() == "absolute"


def test_file_stands_for_itself_outside_of_secrets(config_of: ConfigOf) -> None:
    assert config_of(SOURCE.replace("https://a.example", "file:x")).sources["a"].settings.url == "file:x"


@pytest.mark.parametrize("kind", ["sqlite", "duckdb"])
def test_relative_file_urls_start_at_the_folder_of_the_config(kind: str, config_of: ConfigOf, folder: Path) -> None:
    settings = config_of(SOURCE.replace("https://a.example", f"{kind}:///data/x.db")).sources["a"].settings
    assert settings.url == f"{kind}:///{folder}/data/x.db"


@pytest.mark.parametrize("url", ["sqlite:////var/x.db", "duckdb:///:memory:", "postgresql:///x"])
def test_other_urls_stay_as_they_are(url: str, config_of: ConfigOf) -> None:
    assert config_of(SOURCE.replace("https://a.example", url)).sources["a"].settings.url == url


def test_the_store_may_be_absolute_or_a_server(config_of: ConfigOf, folder: Path) -> None:
    assert config_of(f'[store]\nurl = "sqlite:///{folder}/x/y.db"\n').store.file == folder / "x" / "y.db"
    assert config_of('[store]\nurl = "sqlite:///z.db"\n').store.file == folder / "z.db"
    assert config_of('[store]\nurl = "postgresql://me@db/leads"\n').store.file is None


def test_a_connector_brings_its_own_defaults_for_what_all_take(config_of: ConfigOf) -> None:
    source = config_of(SOURCE).sources["a"]
    assert source.identity is False
    assert source.look_back == Duration("1h")
    assert source.poll == Duration("5m")
    assert source.test_leads == "flag"


def test_a_setting_that_both_declare_reaches_both(config_of: ConfigOf) -> None:
    source = config_of(SOURCE + 'look_back = "2h"\nidentity = true\npoll = "0s"\ntest_leads = "deliver"\n').sources["a"]
    assert (source.look_back, source.settings.look_back) == (Duration("2h"), Duration("2h"))
    assert (source.identity, source.settings.identity) == (True, True)
    assert source.poll.seconds == 0
    assert source.test_leads == "deliver"


def test_a_destination_has_its_limits(config_of: ConfigOf) -> None:
    plain = config_of(DESTINATION).destinations["d"]
    assert (plain.concurrency, plain.rate, plain.timeout, plain.retry_horizon, plain.batch, plain.grain) == (
        *(8, None, Duration("15s"), Duration("7d")),
        *(100, "lead"),
    )
    text = 'concurrency = 2\nrate = "10/s"\ntimeout = "3s"\nretry_horizon = "1d"\nbatch = 7\ngrain = "record"\n'
    set_by_hand = config_of(DESTINATION + text).destinations["d"]
    assert (set_by_hand.concurrency, set_by_hand.rate, set_by_hand.timeout) == (2, Rate("10/s"), Duration("3s"))
    assert (set_by_hand.retry_horizon, set_by_hand.batch, set_by_hand.grain) == (Duration("1d"), 7, "record")


def test_a_sync_names_what_exists(config_of: ConfigOf) -> None:
    text = '[syncs.s]\nfrom = ["a", "a"]\nto = "d"\nwhere = "is_test == `false`"\nfields = { name = "full_name" }\n'
    sync = config_of(SOURCE + DESTINATION + text + 'trigger_path = "/go"\ntrigger_token = "${T}"\n', T="t").syncs["s"]
    assert (sync.sources, sync.to) == (("a",), "d")
    assert (sync.where, sync.fields) == ("is_test == `false`", {"name": "full_name"})
    assert sync.mapping == Mapping.compile({"name": "full_name"}, "is_test == `false`")
    assert sync.trigger_path == "/go"
    assert sync.trigger_token == Secret("t")


def test_the_place_is_known_without_any_secret(folder: Path) -> None:
    path = folder / "leadwire.toml"
    path.write_text("[server]\nport = 81\n" + SOURCE.replace('"s"', '"${NOT_SET}"'), encoding="utf-8")
    place = load_place(path, {})
    assert (place.server.port, place.store.file) == (81, folder / "leadwire.db")


def test_a_wrong_place_is_refused(folder: Path) -> None:
    path = folder / "leadwire.toml"
    path.write_text('[store]\nurl = "nothing"\n', encoding="utf-8")
    with pytest.raises(ConfigError, match=r"store\.url"):
        load_place(path, {})


def test_a_config_shows_no_secret(config_of: ConfigOf) -> None:
    config = config_of(SOURCE.replace('"s"', '"h1dden"') + 'headers = { auth = "h1dden" }\n')
    assert "h1dden" not in repr(config)
    assert config.sources["a"].settings.headers["auth"].reveal() == "h1dden"
