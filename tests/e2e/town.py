"""The world around a leadwire under test: Meta, a telephone account and a CRM on loopback sockets, and the config that names them."""

import base64
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Any, Self

import msgspec

from leadwire.engine.clock import SystemClock
from leadwire.model.times import Instant, seconds
from leadwire.simulators.catalogue import config_for, example_crm, example_knowlarity, example_meta
from leadwire.simulators.control import Simulated
from leadwire.simulators.crm.faults import Faults as CrmFaults
from leadwire.simulators.crm.faults import Outage
from leadwire.simulators.server import SimulatorServer

HOOK_TOKEN = "a token of the telephone account"
SITE_KEY = b"the secret of a website's forms!"
SITE_SECRET = "whsec_" + base64.b64encode(SITE_KEY).decode()
Key = tuple[str, str]


class Town:
    """The outside services. An async context manager: their sockets listen inside it."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.clock = SystemClock()
        self.meta = example_meta(random)
        self.knowlarity = example_knowlarity(random)
        self.crm = example_crm(random)
        self.urls: dict[str, str] = {}
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        worlds: dict[str, Simulated] = {"meta": self.meta, "knowlarity": self.knowlarity, "crm": self.crm}
        for name, world in worlds.items():
            await self.serve(name, world)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def serve(self, name: str, world: Simulated) -> None:
        """One more service, or another in the place of one; `configure` names the newest."""
        server = await self._stack.enter_async_context(SimulatorServer(world, self.now))
        self.urls[name] = server.url

    def now(self) -> Instant:
        return self.clock.now()

    def config(self, *more: str, port: int = 0, allow: Iterable[str] = ("127.0.0.1/32",)) -> str:
        """leadwire.toml for this town. `more` are further lines at its end."""
        listed = ", ".join(f'"{entry}"' for entry in allow)
        token = HOOK_TOKEN.replace(" ", "-")
        parts = [
            f'[server]\nhost = "127.0.0.1"\nport = {port}\n',
            '[identity]\ndefault_region = "IN"\n',
            config_for(self.meta, self.urls["meta"]),
            config_for(self.knowlarity, self.urls["knowlarity"]) + f'webhook_token = "{token}"\n',
            f'[sources.site]\ntype = "webhook"\nsecret = "{SITE_SECRET}"\n',
            config_for(self.crm, self.urls["crm"]),
            '[syncs.crm]\nfrom = ["meta", "knowlarity", "site"]\nto = "crm"\n',
            f"[egress]\nallow = [{listed}]\n",
            *more,
        ]
        return "\n".join(parts)

    def settle_in(self, folder: Path, *more: str, **settings: Any) -> Path:
        """Writes leadwire.toml into the folder."""
        path = folder / "leadwire.toml"
        path.write_text(self.config(*more, **settings))
        return path

    def outage(self, for_s: float, status: int = 503) -> Outage:
        """The CRM is away from now on, for so long."""
        return Outage(from_at=self.now(), until_at=self.now() + seconds(for_s), status=status)

    def crm_fails(self, **faults: Any) -> None:
        """Sets the CRM's switches; those that are not named are off."""
        self.crm.faults = CrmFaults(**faults)

    def rows(self) -> Mapping[str, dict[str, Any]]:
        """The lead documents that the CRM holds, by lead id."""
        return {row.id: msgspec.json.decode(row.data) for row in self.crm.rows.values()}

    def arrived(self) -> list[Key]:
        """Every record that the CRM holds, once per row that has it."""
        return [(line["source"], line["native_id"]) for lead in self.rows().values() for line in lead["records"]]
