"""A thing without a name has no place yet; and what stands on one machine stands in no file."""

import re

from house.repository import ROOT, files, modules, shown, text

NAMELESS = frozenset(
    {"utils", "util", "common", "helpers", "helper", "core", "base", "misc", "manager", "services", "service"}
)
# In pieces, so that this file does not hold what it looks for.
FOREIGN = re.compile(
    "|".join(
        [
            r"/" + r"root/",
            r"/" + r"work/",
            r"/" + r"Users/",
            r"(?:py" + r"thonhosted|py" + r"pi)\.org",
            r"index-" + r"url http",
        ]
    )
)
ALLOWED = re.compile(r"no-emit-index-url")


def test_no_module_is_named_after_nothing() -> None:
    nameless = [
        shown(path)
        for folder in (ROOT / "src", ROOT / "tests", ROOT / "bench")
        for path in modules(folder)
        if NAMELESS & {path.stem, *path.relative_to(ROOT).parts[:-1]}
    ]
    assert nameless == []


def test_no_file_names_this_machine_or_a_package_registry() -> None:
    found = [f"{shown(path)}: {match[0]}" for path in files() if (match := FOREIGN.search(ALLOWED.sub("", text(path))))]
    assert found == []


def test_every_folder_of_the_package_says_what_it_is_for() -> None:
    """An __init__.py opens with a docstring; a folder of a page's files has none."""
    mute = [
        shown(path)
        for path in modules(ROOT / "src")
        if path.name == "__init__.py" and not text(path).lstrip().startswith('"""')
    ]
    assert mute == []
