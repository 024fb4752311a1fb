"""The yardstick: the same HTTP server, a handler that reads the body and checks its HMAC, and nothing behind it."""

import asyncio
import hashlib
import hmac
import json
import signal
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import uvloop

from leadwire.web.serving import WebServer

Message = MutableMapping[str, Any]
BODY = b'{"status":"stored"}'
HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(BODY))]


class Bare:
    """An ASGI application that answers 200 to a signed body and 401 to any other."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        if scope["type"] != "http":
            return
        status = 200
        if scope["method"] == "POST":
            message = await receive()
            body = message["body"]
            while message["more_body"]:
                message = await receive()
                body += message["body"]
            presented = next((value for name, value in scope["headers"] if name == b"x-hub-signature-256"), b"")
            expected = b"sha256=" + hmac.digest(self._secret, body, hashlib.sha256).hex().encode()
            status = 200 if hmac.compare_digest(presented, expected) else 401
        await send({"type": "http.response.start", "status": status, "headers": HEADERS})
        await send({"type": "http.response.body", "body": BODY})


async def _serve(port: int, secret: str) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    server = WebServer(Bare(secret), "127.0.0.1", port)
    await server.start()
    await stop.wait()
    await server.stop()


def main() -> None:
    """Serves until SIGTERM."""
    argument = json.loads(sys.argv[1])
    uvloop.run(_serve(argument["port"], argument["secret"]))


if __name__ == "__main__":
    main()
