"""The engine's HTTP client: one total deadline, a bounded answer, a checked address, no redirects, and no second send."""

import asyncio
import re
import ssl
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Final, NoReturn, Self

import aiohttp
import msgspec
from aiohttp.abc import AbstractResolver
from aiohttp.client_reqrep import ClientRequest, ClientResponse
from aiohttp.connector import Connection
from yarl import URL

from leadwire.egress.gate import CURRENT_CALL, AddressGate, AddressRefused, Call, CheckedResolver
from leadwire.model.errors import EgressRefused
from leadwire.rules.egress_addresses import Allowlist
from leadwire.rules.inflate import DecodedTooLarge, EncodingBroken, EncodingUnknown, inflate
from leadwire.sdk.http import HttpAnswer, HttpRequest, NotSent, ReplyLost

_PRINTABLE: Final = re.compile(r"[!-~]+")
_RATIO_MAX: Final = 200
_NO_TIMEOUT: Final = aiohttp.ClientTimeout(total=None, connect=None, sock_connect=None, sock_read=None)


class PoolLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How many connections are open at once and how long an idle one is kept."""

    connections_max: int = 512
    connections_per_host_max: int = 64
    keep_alive_s: float = 15.0
    dns_cache_s: int = 10


class _TrackedRequest(ClientRequest):
    """Notes the moment from which the other side may have seen something of the request."""

    async def send(self, conn: Connection) -> ClientResponse:
        CURRENT_CALL.get().is_started = True
        return await super().send(conn)


class EgressClient:
    """Http over aiohttp; one per process, safe for concurrent use, to be closed.

    `allow` are the entries of [egress] allow; a wrong one raises ValueError. Both http and https URLs are taken;
    certificates and host names are always verified (`tls` may bring another trust store). The environment's proxies,
    cookies and netrc are never used. Answers are asked for unencoded; a gzip or deflate one is undone within the limit.

    NotSent is raised only where no byte of the request can have left; everything later is ReplyLost. A POST or PATCH is
    sent at most once; GET, HEAD, PUT and DELETE are repeated once where a kept connection turns out to be closed
    (RFC 9110, section 9.2.2).
    """

    def __init__(
        self,
        allow: Sequence[str] = (),
        *,
        limits: PoolLimits | None = None,
        resolver: Callable[[], AbstractResolver] = aiohttp.ThreadedResolver,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._gate = AddressGate(Allowlist(allow))
        self._resolver = CheckedResolver(resolver, self._gate)
        self._limits = limits or PoolLimits()
        self._tls = tls
        self._session: aiohttp.ClientSession | None = None
        self._is_closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes all connections; what is under way ends as NotSent or ReplyLost."""
        self._is_closed = True
        if self._session is not None:
            await self._session.close()
            await self._resolver.close()

    async def send(self, request: HttpRequest) -> HttpAnswer:
        """The answer, whatever its status. Raises NotSent, ReplyLost or EgressRefused; never follows a redirect."""
        if self._is_closed:
            raise NotSent("the HTTP client is closed")
        url = _checked(request.url)
        where = url.raw_authority
        call = Call(url.raw_host or "")
        token = CURRENT_CALL.set(call)
        try:
            async with asyncio.timeout(request.timeout_s):
                return await self._exchange(request, url)
        except TimeoutError as error:
            _fail(call, f"{where} did not answer within {request.timeout_s:g} s", error)
        except aiohttp.InvalidURL as error:
            raise EgressRefused(f"{where} is no address in its usual spelling") from error
        except (aiohttp.ClientError, OSError) as error:
            refused = _refusal_behind(error)
            if refused is not None:
                raise EgressRefused(str(refused)) from error
            _fail(call, f"{where}: {_words(error)}", error)
        except ValueError as error:
            _fail(call, f"{where}: the request can't be written", error)
        finally:
            CURRENT_CALL.reset(token)

    async def _exchange(self, request: HttpRequest, url: URL) -> HttpAnswer:
        session = self._session or self._open_session()
        async with session.request(
            request.method,
            url,
            data=request.body or None,
            headers=request.headers,
            allow_redirects=False,
        ) as response:
            return await _read(response, request.answer_bytes_max)

    def _open_session(self) -> aiohttp.ClientSession:
        limits = self._limits
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                resolver=self._resolver,
                socket_factory=self._gate.open_socket,
                ssl=self._tls or True,
                limit=limits.connections_max,
                limit_per_host=limits.connections_per_host_max,
                keepalive_timeout=limits.keep_alive_s,
                ttl_dns_cache=limits.dns_cache_s,
            ),
            request_class=_TrackedRequest,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"Accept-Encoding": "identity"},
            skip_auto_headers=("User-Agent", "Content-Type", "Accept"),
            timeout=_NO_TIMEOUT,
            auto_decompress=False,
            trust_env=False,
        )
        return self._session


def _checked(text: str) -> URL:
    """The URL exactly as it was given where it is plain ASCII; raises EgressRefused for what can't be an address."""
    try:
        url = URL(text, encoded=_PRINTABLE.fullmatch(text) is not None)
        is_addressed = url.scheme in ("http", "https") and bool(url.raw_host) and url.port is not None
        has_credentials = url.raw_user is not None or url.raw_password is not None
    except ValueError as error:
        raise EgressRefused("this is no URL: write https://host/path") from error
    if not is_addressed:
        raise EgressRefused("only http and https URLs with a host are sent to")
    if has_credentials:
        raise EgressRefused(f"the URL of {url.raw_host} carries a user or password: send them in a header instead")
    return url


async def _read(response: ClientResponse, bytes_max: int) -> HttpAnswer:
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.raw_headers}
    stream = response.content
    pieces: list[bytes] = []
    size = 0
    while not stream.at_eof():
        piece = await stream.readany()
        size += len(piece)
        if size > bytes_max:
            response.close()
            raise ReplyLost(f"{response.url.raw_authority}: the answer is longer than {bytes_max} bytes")
        pieces.append(piece)
    body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
    encoding = headers.get("content-encoding")
    if encoding is not None and body:
        try:
            body = inflate(body, encoding, bytes_max=bytes_max, ratio_max=_RATIO_MAX)
        except (DecodedTooLarge, EncodingBroken, EncodingUnknown) as error:
            raise ReplyLost(f"{response.url.raw_authority}: {error}") from error
    return HttpAnswer(status=response.status, headers=headers, body=body)


def _refusal_behind(error: BaseException | None) -> AddressRefused | None:
    while error is not None:
        if isinstance(error, AddressRefused):
            return error
        error = error.__cause__
    return None


def _words(error: BaseException) -> str:
    """What went wrong, without the URL: aiohttp's texts may hold a query with a token."""
    cause = error.__cause__
    if isinstance(error, aiohttp.ClientConnectorError) and isinstance(cause, OSError):
        return f"{type(cause).__name__}: {cause.strerror or cause}"
    return (
        f"{type(error).__name__}" if isinstance(error, aiohttp.ClientError) else f"{error.__class__.__name__}: {error}"
    )


def _fail(call: Call, message: str, error: BaseException) -> NoReturn:
    if call.is_started:
        raise ReplyLost(message) from error
    raise NotSent(message) from error
