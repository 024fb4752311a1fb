"""Says at the end how many of the broken engines were caught."""

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [*terminalreporter.stats.get("passed", []), *terminalreporter.stats.get("failed", [])]
    caught = [dict(report.user_properties).get("caught") for report in reports]
    tried = sum(word is not None for word in caught)
    if tried:
        terminalreporter.write_line(f"broken engines caught {caught.count('yes')}/{tried}")
