"""What all tests share: the browser, and the rule that a skipped browser test is loud, and a failure in CI."""

import os
import shutil
from pathlib import Path

import pytest

pytest.register_assert_rewrite(
    "leadwire.testing"
)  # before any of it is imported, so that its asserts explain themselves

_BROWSERS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
_NO_BROWSER = "no Chromium is installed (Debian: apt-get install chromium)"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if any(shutil.which(name) for name in _BROWSERS) or os.environ.get("CI"):
        return
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.skip(reason=_NO_BROWSER))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = [report for report in terminalreporter.stats.get("skipped", []) if _NO_BROWSER in str(report.longrepr)]
    if skipped:
        terminalreporter.section("BROWSER TESTS SKIPPED", red=True, bold=True)
        terminalreporter.write_line(f"{len(skipped)} browser tests did not run: {_NO_BROWSER}")


@pytest.fixture(scope="session")
def browser_path() -> Path:
    """The installed Chromium; fails (it does not skip) where there is none, since collection has skipped already."""
    for name in _BROWSERS:
        if found := shutil.which(name):
            return Path(found)
    pytest.fail(_NO_BROWSER)
