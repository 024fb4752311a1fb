"""Poll: asks a source for what its pushes may have missed.

A page and its cursor are one commit, so a crash repeats a page and never skips one.
"""

import asyncio
from collections.abc import Sequence

import msgspec

from leadwire.engine.observer import Observer
from leadwire.engine.pauses import Pauses, scope_subject
from leadwire.engine.resolve import Batch, Resolve
from leadwire.engine.step import Step
from leadwire.engine.supervisor import Crashed, guard
from leadwire.model.changes import CursorMove
from leadwire.model.errors import SourceAuthBroken, SourceError, StoreError, Throttled
from leadwire.model.pull import Cursor, Pause
from leadwire.model.record import Record
from leadwire.model.times import MINUTE, SECOND, Instant, seconds
from leadwire.ports.clock import Chance, Clock
from leadwire.ports.lead_book import LeadBook
from leadwire.rules.hygiene import clean
from leadwire.rules.resolution import Incoming
from leadwire.sdk.http import HttpFailed
from leadwire.sdk.source import Page, PullSource

JITTER = 0.1
AUTH_PROBE_AFTER = 10 * MINUTE


class PollPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """When a source is asked: every `interval_s`, less up to a tenth by chance; one pull takes at most `time_box_s`."""

    source: str
    streams: Sequence[str] = ("",)
    interval_s: float = 300.0
    time_box_s: float = 120.0


class PollTools(msgspec.Struct, frozen=True, kw_only=True):
    """What polling needs of the engine."""

    leads: LeadBook
    resolve: Resolve
    pauses: Pauses
    clock: Clock
    chance: Chance
    observer: Observer


class Poll:
    """Pulls one source's streams, one after the other: a source never overlaps itself."""

    def __init__(self, source: PullSource, policy: PollPolicy, tools: PollTools) -> None:
        self.name = f"poll:{policy.source}"
        self.topic = f"polls:{policy.source}"
        self.last_poll_at: Instant | None = None
        self._source = source
        self._policy = policy
        self._tools = tools
        self._next_at: Instant = 0

    async def run_once(self, now: Instant) -> Step:
        """Pulls every stream when it is time."""
        wait = self._next_at - now
        # A longer wait than any that is drawn: the clock was set back, which must not silence us.
        is_early = 0 < wait <= seconds(self._policy.interval_s)
        if is_early or self._tools.pauses.of(scope_subject(self._policy.source, "*"), now) is not None:
            return Step(rest_s=max(min(wait / SECOND, self._policy.interval_s), 1.0))
        self._next_at = now + seconds(self._policy.interval_s * (1 - JITTER * self._tools.chance.random()))
        cursors = {
            move.stream: move.cursor for move in await self._tools.leads.cursors() if move.source == self._policy.source
        }
        records = 0
        for stream in self._policy.streams:
            records += await self._pull(stream, cursors.get(stream))
        return Step(rest_s=min(max((self._next_at - self._tools.clock.now()) / SECOND, 0.05), self._policy.interval_s))

    async def drain(self) -> None:
        """Nothing is under way between steps."""

    async def _pull(self, stream: str, cursor: Cursor | None) -> int:
        count = 0

        async def pull() -> None:
            nonlocal count
            async for page in self._source.pull(stream, cursor):
                await self._store(stream, page)
                count += len(page.records)

        try:
            async with asyncio.timeout(self._policy.time_box_s):
                result = await guard(pull())
        except TimeoutError:
            return count  # time-boxed: the cursor of the last stored page says where to go on
        except StoreError:
            raise
        except (SourceError, HttpFailed) as error:
            await self._note_failure(error)
            return count
        if isinstance(result, Crashed):
            self._tools.observer.crashed(self.name, result.error)
        else:
            self.last_poll_at = self._tools.clock.now()
        return count

    async def _store(self, stream: str, page: Page) -> None:
        now = self._tools.clock.now()
        incoming = [self._incoming(record, now) for record in page.records]
        move = None
        if page.cursor is not None:
            move = CursorMove(source=self._policy.source, stream=stream, cursor=page.cursor)
        await self._tools.resolve.submit(Batch(incoming=incoming, cursor=move))

    def _incoming(self, record: Record, now: Instant) -> Incoming:
        return Incoming(source=self._policy.source, via="poll", received_at=now, record=clean(record))

    async def _note_failure(self, error: SourceError | HttpFailed) -> None:
        now = self._tools.clock.now()
        self._tools.observer.fetched(self._policy.source, type(error).__name__, 1, 0)
        subject = scope_subject(self._policy.source, getattr(error, "scope", "*"))
        if isinstance(error, Throttled):
            pause = Pause(subject=subject, cause="throttled", reason=str(error), paused_at=now, until=error.until)
            await self._tools.pauses.pause(pause)
        elif isinstance(error, SourceAuthBroken):
            until = now + AUTH_PROBE_AFTER
            await self._tools.pauses.pause(
                Pause(subject=subject, cause="auth", reason=str(error), paused_at=now, until=until)
            )
