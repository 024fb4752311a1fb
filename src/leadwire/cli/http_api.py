"""The API of a running server, over HTTP."""

from types import TracebackType
from typing import Any, Self

import aiohttp
import msgspec
from yarl import URL

from leadwire.model.errors import LeadwireError

_TIMEOUT_S = 60.0
_CONNECT_S = 5.0


class Unreachable(LeadwireError):
    """The server does not answer."""


class HttpApi:
    """An async context manager that holds the connection. `key` is sent as a Bearer token."""

    def __init__(self, url: str, key: str) -> None:
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {key}", "Accept": "application/json"}
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            headers=self._headers, timeout=aiohttp.ClientTimeout(total=_TIMEOUT_S, connect=_CONNECT_S), trust_env=False
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def request(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """The status and the decoded JSON body. Raises Unreachable where there is no answer."""
        assert self._session is not None
        data = None if body is None else msgspec.json.encode(body)
        headers = {} if data is None else {"Content-Type": "application/json"}
        try:
            async with self._session.request(
                method, URL(self._url + path, encoded=True), data=data, headers=headers, allow_redirects=method == "GET"
            ) as answer:
                content = await answer.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unreachable(f"the server at {self._url} did not answer: {type(error).__name__}") from error
        return answer.status, _decoded(content, answer.content_type)


def _decoded(content: bytes, kind: str) -> Any:
    if not content or not kind.endswith("json"):
        return None
    try:
        return msgspec.json.decode(content)
    except msgspec.DecodeError:
        return None
