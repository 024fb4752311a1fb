"""Nothing here grows past what one person can hold in mind."""

import tomllib

from house.repository import ROOT, base_names, classes, modules, public_methods, shown, text

LINES_MAX = 500
METHODS_MAX = 15
VERBS_MAX = 8


def test_no_file_is_longer_than_500_lines() -> None:
    folders = (ROOT / "src", ROOT / "tests", ROOT / "bench")
    long = {
        shown(path): count
        for folder in folders
        for path in modules(folder)
        if (count := text(path).count("\n")) > LINES_MAX
    }
    assert long == {}


def test_no_class_has_more_than_15_public_methods() -> None:
    large = {
        f"{shown(path)}:{node.name}": count
        for path, node in classes()
        if "leadwire/testing" not in shown(path) and (count := len(public_methods(node))) > METHODS_MAX
    }
    assert large == {}


def test_no_protocol_has_more_than_8_verbs() -> None:
    """The ledger is left out: it is the list of all ports, and its verbs are theirs."""
    large = {
        f"{shown(path)}:{node.name}": count
        for path, node in classes()
        if "Protocol" in base_names(node) and node.name != "Ledger" and (count := len(public_methods(node))) > VERBS_MAX
    }
    assert large == {}


def test_the_linter_bounds_every_function() -> None:
    lint = tomllib.loads(text(ROOT / "pyproject.toml"))["tool"]["ruff"]["lint"]
    assert {"C90", "PLR0912", "PLR0913", "PLR0915"} <= set(lint["select"])
    assert {"C90", "C901", "PLR0912", "PLR0915"}.isdisjoint(lint["ignore"])
    assert lint["mccabe"]["max-complexity"] <= 10
    assert lint["pylint"]["max-statements"] <= 40
    assert lint["pylint"]["max-args"] <= 6
