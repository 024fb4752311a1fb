"""What a simulated life is run with: the real parts, or ones broken on purpose (broken.py)."""

from leadwire.engine.assembly import Engine, EngineSetup
from leadwire.sdk import Destination


class Variant:
    """The real thing. A broken variant overrides one method and is caught by the auditor for `expected` reasons."""

    name = "real"
    expected: frozenset[str] = frozenset()

    def engine(self, setup: EngineSetup) -> Engine:
        return Engine(setup)

    def source(self, name: str, source: object) -> object:
        return source

    def destination(self, name: str, destination: Destination) -> Destination:
        return destination
