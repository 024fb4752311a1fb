"""The program run in this process, with a fake API behind it."""

from pathlib import Path

import pytest

from unit.cli.line import FakeApi, Line


@pytest.fixture
def line(tmp_path: Path) -> Line:
    made = Line(tmp_path, FakeApi())
    made.write("")
    return made
