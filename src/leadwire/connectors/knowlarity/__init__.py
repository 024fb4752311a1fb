"""Knowlarity (SuperReceptionist): post-call pushes in the shapes that its dashboard can send."""

from leadwire.connectors.knowlarity.settings import KnowlaritySettings
from leadwire.connectors.knowlarity.source import Knowlarity
from leadwire.sdk import Connector

connector = Connector(
    type_name="knowlarity", title="Knowlarity (SuperReceptionist) calls", settings=KnowlaritySettings, source=Knowlarity
)
