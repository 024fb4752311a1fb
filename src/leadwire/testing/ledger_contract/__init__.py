"""What every ledger does, as pytest classes: inherit each one in a test module that has the fixtures `ledger` and `reopen`.

`ledger` is a fresh, empty Ledger. `reopen` closes it and answers another one on the same storage.
"""

from leadwire.testing.ledger_contract.absorbing import AbsorbContract
from leadwire.testing.ledger_contract.accounts import TokenBookContract, UserBookContract
from leadwire.testing.ledger_contract.claiming import ClaimContract
from leadwire.testing.ledger_contract.deliveries import DeliveryBookContract
from leadwire.testing.ledger_contract.desk import DeskContract
from leadwire.testing.ledger_contract.erasing import EraseContract
from leadwire.testing.ledger_contract.events import EventLogContract
from leadwire.testing.ledger_contract.fetches import FetchQueueContract
from leadwire.testing.ledger_contract.leads import LeadBookContract
from leadwire.testing.ledger_contract.pauses import PauseBookContract
from leadwire.testing.ledger_contract.searching import SearchContract
from leadwire.testing.ledger_contract.settling import SettleContract
from leadwire.testing.ledger_contract.whole_life import WholeLifeContract

__all__ = [
    "AbsorbContract",
    "ClaimContract",
    "DeliveryBookContract",
    "DeskContract",
    "EraseContract",
    "EventLogContract",
    "FetchQueueContract",
    "LeadBookContract",
    "PauseBookContract",
    "SearchContract",
    "SettleContract",
    "TokenBookContract",
    "UserBookContract",
    "WholeLifeContract",
]
