"""Every connector that ships, found by its folder."""

from pathlib import Path

import pytest

from leadwire import connectors
from leadwire.config.discovery import Connectors
from leadwire.testing.connector_contract import Subject

_ROOT = Path(connectors.__path__[0])
_NAMES = sorted(path.name for path in _ROOT.iterdir() if (path / "samples" / "index.json").is_file())


@pytest.fixture(params=_NAMES)
def subject(request: pytest.FixtureRequest) -> Subject:
    name: str = request.param
    return Subject(connector=Connectors().find(name), folder=_ROOT / name)
