"""What a simulated life is run with: the real parts, or ones broken on purpose (broken.py)."""

from leadwire.engine.assembly import Engine, EngineSetup
from leadwire.sdk import Destination
from leadwire.store.memory import MemoryLedger
from leadwire.web.doors import Accepting


class Variant:
    """The real thing. A broken variant overrides as little as it can and is caught by the auditor for one of `expected`.

    One variant lives one life; every method is called once per process (source and destination once for each of them).
    """

    expected: frozenset[str] = frozenset()
    timeout_s = 15.0

    def ledger(self, ledger: MemoryLedger) -> MemoryLedger:
        return ledger

    def engine(self, setup: EngineSetup) -> Engine:
        return Engine(setup)

    def intake(self, intake: Accepting) -> Accepting:
        return intake

    def source(self, name: str, source: object) -> object:
        return source

    def destination(self, name: str, destination: Destination) -> Destination:
        return destination
