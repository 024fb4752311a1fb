"""Every store keeps the same contract."""

from leadwire.testing import ledger_contract


class TestEventLog(ledger_contract.EventLogContract):
    pass


class TestLeadBook(ledger_contract.LeadBookContract):
    pass


class TestAbsorb(ledger_contract.AbsorbContract):
    pass


class TestErase(ledger_contract.EraseContract):
    pass


class TestSearch(ledger_contract.SearchContract):
    pass


class TestFetchQueue(ledger_contract.FetchQueueContract):
    pass


class TestClaim(ledger_contract.ClaimContract):
    pass


class TestSettle(ledger_contract.SettleContract):
    pass


class TestDeliveryBook(ledger_contract.DeliveryBookContract):
    pass


class TestPauseBook(ledger_contract.PauseBookContract):
    pass


class TestUserBook(ledger_contract.UserBookContract):
    pass


class TestTokenBook(ledger_contract.TokenBookContract):
    pass


class TestDesk(ledger_contract.DeskContract):
    pass


class TestWholeLife(ledger_contract.WholeLifeContract):
    pass
