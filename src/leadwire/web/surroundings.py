"""What the site needs from the rest of leadwire. The composition root fills it in; nothing here knows a concrete store."""

from collections.abc import Sequence
from typing import Protocol

import msgspec
from litestar.di import NamedDependency

from leadwire.engine.accounts import Accounts, Tokens
from leadwire.engine.live import Live
from leadwire.engine.metrics import Metrics
from leadwire.engine.observer import Observer
from leadwire.engine.survey import Survey
from leadwire.model.record import RecordKey
from leadwire.ports.bell import Bell
from leadwire.ports.clock import Clock
from leadwire.ports.ledger import Ledger


class Control(Protocol):
    """What people may ask of the running engine, beyond reading and replaying."""

    async def pause_lane(self, destination: str, reason: str) -> None:
        """Stops a lane until it is resumed; what is owed stays owed."""
        ...

    async def resume_lane(self, destination: str) -> bool:
        """Lets a lane go on, whatever paused it; answers whether it was paused."""
        ...

    async def split_lead(self, lead_id: str, records: Sequence[RecordKey]) -> str | None:
        """Takes records out of a lead into a lead of their own; answers its id, None where there is no such lead.

        Raises NothingToSplit where the lead has none, or no other record than these.
        """
        ...

    async def erase_lead(self, lead_id: str) -> bool:
        """Removes a lead and all that is known of the person; answers whether there was one."""
        ...


class SiteSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings that the pages need. Names stand in the order of the configuration."""

    public_url: str | None = None
    listens_on_loopback: bool = True
    sources: Sequence[str] = ()
    destinations: Sequence[str] = ()
    syncs: Sequence[str] = ()

    @property
    def is_https(self) -> bool:
        return self.public_url is not None and self.public_url.lower().startswith("https://")


class SiteServices(msgspec.Struct, frozen=True, kw_only=True):
    """Everything behind the pages and the API. `local_key_digest` is SHA-256 (hex) of a key that this machine's command line
    may use as a Bearer token with every scope."""

    ledger: Ledger
    clock: Clock
    bell: Bell
    accounts: Accounts
    tokens: Tokens
    survey: Survey
    live: Live
    metrics: Metrics
    observer: Observer
    control: Control
    settings: SiteSettings
    local_key_digest: str | None = None


Site = NamedDependency[SiteServices]
