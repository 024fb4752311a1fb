"""What a source may be: any of these Protocols, found by the presence of their methods."""

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Protocol, runtime_checkable

import msgspec

from leadwire.model.errors import SourceError
from leadwire.model.event import RawRequest
from leadwire.model.pull import Cursor
from leadwire.model.record import Parsed, Pointer, Record


class DoorAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What the door answers to a handshake."""

    status: int = 200
    content_type: str = "text/plain; charset=utf-8"
    body: bytes = b""


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """A page of records and the cursor behind it; both are stored in one commit. `cursor` None leaves it where it is."""

    records: Sequence[Record]
    cursor: Cursor | None


@runtime_checkable
class PushSource(Protocol):
    """A source that calls us."""

    def verify(self, request: RawRequest) -> None:
        """Raises SignatureInvalid unless the raw bytes are from the source. Constant time; parses nothing it does not need."""
        ...

    def parse(self, request: RawRequest) -> Iterable[Parsed]:
        """Everything in the request, in order. Pure: it may run again years later. Raises PayloadInvalid only where nothing can be read."""
        ...


@runtime_checkable
class Handshaking(Protocol):
    """A source that checks the door before it sends."""

    def handshake(self, request: RawRequest) -> DoorAnswer | None:
        """The answer to a GET that registers us; None where this GET is an ordinary push. Raises SignatureInvalid for a wrong token."""
        ...


@runtime_checkable
class DeduplicatingPush(Protocol):
    """A push source whose requests carry an id of their own."""

    def push_id(self, request: RawRequest) -> str | None:
        """The sender's id of this push, the same in every retry; None = the engine derives one from the bytes."""
        ...


@runtime_checkable
class FetchingSource(Protocol):
    """A source whose pushes carry ids only.

    Attributes, all optional: `fetch_batch_max` (pointers per call, default and most 50) and `scopes` (the scopes that are
    configured now: ids of these that were parked are tried again at the start).
    """

    async def fetch(self, pointers: Sequence[Pointer]) -> Sequence["Record | SourceError"]:
        """One result per pointer, in order: the record, or the typed reason why not. Raises only what concerns all of them.

        The pointers are of one scope.
        """
        ...


@runtime_checkable
class PullSource(Protocol):
    """A source that we ask."""

    def pull(self, stream: str, cursor: Cursor | None) -> AsyncIterator[Page]:
        """Every page since the cursor less the look-back, oldest first where the source allows it."""
        ...
