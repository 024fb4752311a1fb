"""The settings of an HTTP destination."""

import re
from typing import Annotated, Literal

import msgspec

from leadwire.sdk import SecretText, setting, standard_key

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}", re.ASCII)
_HEADER_VALUE = re.compile(r"[\x20-\x7e]{0,8000}", re.ASCII)
_OURS = frozenset({"host", "content-length", "content-type", "transfer-encoding", "connection"})


class HttpSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where leads are posted, and how we prove that it is us."""

    url: Annotated[
        str,
        setting("URL", "Where each lead is sent.", pattern=r"^https?://[^/?#@\s]+([/?][^#\s]*)?$"),
    ]
    secret: Annotated[
        SecretText | None,
        setting(
            "Secret", "Signs each request (Standard Webhooks): whsec_ and base64, or any text; empty = not signed."
        ),
    ] = None
    headers: Annotated[
        dict[str, SecretText], setting("Headers", "Further headers, such as Authorization; values are kept secret.")
    ] = {}
    method: Annotated[Literal["POST", "PUT", "PATCH"], setting("Method", "The HTTP method.")] = "POST"

    def __post_init__(self) -> None:
        if self.secret:
            standard_key(self.secret.reveal())
        for name, value in self.headers.items():
            if not _HEADER_NAME.fullmatch(name):
                raise ValueError(f'headers: "{name}" is no name of a header')
            if name.lower() in _OURS or name.lower().startswith("webhook-"):
                raise ValueError(f'headers: "{name}" is set by leadwire itself; leave it out')
            if not _HEADER_VALUE.fullmatch(value.reveal()):
                raise ValueError(f'headers: the value of "{name}" holds characters that no header may hold')
