"""The memory twin: a whole ledger in dicts, held to the same contract as the real ones. For simulations and unit tests."""

from leadwire.store.memory.ledger import MemoryLedger
from leadwire.store.memory.state import MemoryState

__all__ = ["MemoryLedger", "MemoryState"]
