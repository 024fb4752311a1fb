"""Every connector keeps the same contract."""

from leadwire.testing import connector_contract


class TestConnector(connector_contract.ConnectorContract):
    pass


class TestPush(connector_contract.PushContract):
    pass


class TestDestination(connector_contract.DestinationContract):
    pass
