"""The Konnect event stream: one for all calls of the account, without ids, without replay."""

import heapq
import json
from random import Random
from typing import Any

from leadwire.model.times import Instant
from leadwire.simulators.chance import happens
from leadwire.simulators.knowlarity.faults import Faults


class KonnectStream:
    """One open stream. It yields what happens while it is open, as `data:` frames and comments."""

    def __init__(self, now: Instant) -> None:
        self.is_closed = False
        self.commented_at = now
        self._frames: list[bytes] = []
        self._exchange: StreamExchange | None = None

    def attach(self, exchange: "StreamExchange") -> None:
        """Belong to the exchange that feeds it."""
        self._exchange = exchange

    def write(self, frame: bytes) -> None:
        """Take a frame, unless it was cut."""
        if not self.is_closed:
            self._frames.append(frame)

    def frames(self, now: Instant) -> bytes:
        """The bytes that became due since the last call."""
        if self._exchange is not None:
            self._exchange.pump(now)
        due = b"".join(self._frames)
        self._frames.clear()
        return due

    def close(self) -> None:
        """The reader went away, or the platform hung up."""
        self.is_closed = True


class StreamExchange:
    """Events waiting for their time, and the streams that are open then. An event that nobody hears is gone."""

    def __init__(self, random: Random) -> None:
        self.faults = Faults()
        self.cuts = 0
        self._random = random
        self._waiting: list[tuple[Instant, int, dict[str, Any]]] = []
        self._streams: list[KonnectStream] = []
        self._order = 0

    def schedule(self, at: Instant, event: dict[str, Any]) -> None:
        """An event that will happen at this time."""
        self._order += 1
        heapq.heappush(self._waiting, (at, self._order, event))

    def open(self, now: Instant) -> KonnectStream:
        """A new stream; it hears only what happens from now on."""
        self.pump(now)
        stream = KonnectStream(now)
        stream.attach(self)
        self._streams.append(stream)
        return stream

    def pump(self, now: Instant) -> None:
        """Give every event that is due to the streams that are open."""
        self._streams = [stream for stream in self._streams if not stream.is_closed]
        newline = b"\r\n" if self.faults.stream_crlf else b"\n"
        while self._waiting and self._waiting[0][0] <= now:
            event = heapq.heappop(self._waiting)[2]
            frame = b"data: " + json.dumps(event).encode() + newline * 2
            for stream in self._streams:
                self._give(stream, frame)
        every = self.faults.comment_every_us
        for stream in self._streams:
            if every > 0 and now - stream.commented_at >= every:
                stream.commented_at = now
                stream.write(b": keep-alive" + newline * 2)

    def _give(self, stream: KonnectStream, frame: bytes) -> None:
        if stream.is_closed:
            return
        if happens(self._random, self.faults.stream_drop_share):
            self.cuts += 1
            stream.close()
        elif not happens(self._random, self.faults.dropped_event_share):
            stream.write(frame)
