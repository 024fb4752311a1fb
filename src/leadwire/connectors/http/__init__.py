"""Any HTTP endpoint: one signed POST per lead, in the form of Standard Webhooks."""

from leadwire.connectors.http.destination import HttpDestination
from leadwire.connectors.http.settings import HttpSettings
from leadwire.sdk import Connector

connector = Connector(type_name="http", title="HTTP endpoint", settings=HttpSettings, destination=HttpDestination)
