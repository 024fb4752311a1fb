"""Meta (Facebook and Instagram) Lead Ads: signed webhooks that carry ids, answers read from the Graph API."""

from leadwire.connectors.meta_lead_ads.settings import MetaSettings
from leadwire.connectors.meta_lead_ads.source import MetaLeadAds
from leadwire.sdk import Connector

connector = Connector(
    type_name="meta_lead_ads", title="Meta (Facebook and Instagram) Lead Ads", settings=MetaSettings, source=MetaLeadAds
)
