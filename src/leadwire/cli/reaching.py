"""Tries the addresses of a configuration, through the same gate as every other call."""

import asyncio
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import msgspec

from leadwire.config import Config
from leadwire.egress.client import EgressClient
from leadwire.model.errors import EgressRefused
from leadwire.sdk.http import Http, HttpFailed, HttpRequest

_WEB = re.compile(r"^https?://")


async def try_addresses(config: Config) -> list[dict[str, Any]]:
    """One row per address: {key, url, ok, detail}. A HEAD request, without credentials; any answer counts as reached."""
    found = list(addresses(config))
    async with EgressClient(config.egress.allow) as http:
        return list(await asyncio.gather(*(_try(http, key, url) for key, url in found)))


def addresses(config: Config) -> Iterator[tuple[str, str]]:
    """Every web address in the settings of sources and destinations, with the key it stands under."""
    for section, table in (("sources", config.sources), ("destinations", config.destinations)):
        for name, entry in table.items():
            yield from _within(entry.settings, f"{section}.{name}")


def _within(value: Any, key: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str) and _WEB.match(value):
        yield key, value
    elif isinstance(value, msgspec.Struct):
        for field in msgspec.structs.fields(value):
            yield from _within(getattr(value, field.name), f"{key}.{field.encode_name}")
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _within(item, f"{key}[{index}]")


async def _try(http: Http, key: str, url: str) -> dict[str, Any]:
    row = {"key": key, "url": _bare(url)}
    try:
        answer = await http.send(HttpRequest(method="HEAD", url=url, timeout_s=10.0))
    except (HttpFailed, EgressRefused) as error:
        return {**row, "ok": False, "detail": str(error)}
    return {**row, "ok": True, "detail": f"answered {answer.status}"}


def _bare(url: str) -> str:
    """Scheme, host and port: a path or a query may hold a key."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
