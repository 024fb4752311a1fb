"""Any system that pushes leads: a website form, an automation, another leadwire. Signed JSON by default."""

from leadwire.connectors.webhook.settings import WebhookSettings
from leadwire.connectors.webhook.source import Webhook
from leadwire.sdk import Connector

connector = Connector(type_name="webhook", title="Webhook (any signed push)", settings=WebhookSettings, source=Webhook)
