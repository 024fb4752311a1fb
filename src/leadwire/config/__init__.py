"""The configuration: leadwire.toml, read once, checked whole, and frozen."""

from leadwire.config.declared import (
    DestinationSettings,
    Egress,
    Identity,
    Retention,
    Server,
    SourceSettings,
    StoreSettings,
    SyncSettings,
)
from leadwire.config.discovery import Connectors
from leadwire.config.loading import examine, load, load_place
from leadwire.config.problems import Problem
from leadwire.config.result import Config, DestinationConfig, Place, SourceConfig, SyncConfig

__all__ = [
    "Config",
    "Connectors",
    "DestinationConfig",
    "DestinationSettings",
    "Egress",
    "Identity",
    "Place",
    "Problem",
    "Retention",
    "Server",
    "SourceConfig",
    "SourceSettings",
    "StoreSettings",
    "SyncConfig",
    "SyncSettings",
    "examine",
    "load",
    "load_place",
]
