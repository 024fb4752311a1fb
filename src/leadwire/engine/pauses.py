"""Pauses at hand: the pause book with a copy in memory, so that asking costs nothing."""

from collections.abc import Iterable

from leadwire.engine.observer import Observer
from leadwire.model.pull import Pause
from leadwire.model.times import Instant
from leadwire.ports.pause_book import PauseBook


def lane_subject(destination: str) -> str:
    """The pause subject of a lane."""
    return f"destination:{destination}"


def scope_subject(source: str, scope: str) -> str:
    """The pause subject of one scope of a source ("*" = all of it)."""
    return f"source:{source}/{scope}"


def _outlasts(known: Pause, other: Pause) -> bool:
    return known.until is None or (other.until is not None and known.until >= other.until)


def scopes_of(source: str, pauses: Iterable[Pause]) -> list[str]:
    """The scopes of a source that these pauses speak of."""
    prefix = scope_subject(source, "")
    return [pause.subject.removeprefix(prefix) for pause in pauses if pause.subject.startswith(prefix)]


class Pauses:
    """Which lanes and scopes wait. `load` once before use; every change is stored before it holds here."""

    def __init__(self, book: PauseBook, observer: Observer) -> None:
        self._book = book
        self._observer = observer
        self._pauses: dict[str, Pause] = {}

    async def load(self) -> None:
        """Reads the book."""
        self._pauses = {pause.subject: pause for pause in await self._book.pauses()}

    async def lift_causes(self, *causes: str) -> list[Pause]:
        """Resumes what waits for these causes: a restart is how a new token arrives, and one try tells whether it works.

        Answers what was lifted.
        """
        lifted = [pause for pause in self._pauses.values() if pause.cause in causes]
        for pause in lifted:
            await self.resume(pause.subject)
        return lifted

    async def pause(self, pause: Pause) -> None:
        """Makes a subject wait; a manual pause stays as it is. One notice per change.

        A wait that passes by itself never shortens one that holds: answers of tries that ran side by side come in any order.
        """
        known = self._pauses.get(pause.subject)
        if known is not None and known.cause == "manual" and pause.cause != "manual":
            return
        if known is not None and pause.cause in ("retry_after", "throttled") and _outlasts(known, pause):
            return
        await self._book.pause(pause)
        self._pauses[pause.subject] = pause
        if known is None or known.cause != pause.cause:
            self._observer.lane_changed(pause.subject, f"paused:{pause.cause}", pause.reason)
            if pause.cause in ("auth", "gone"):
                self._observer.alerted(pause.subject, pause.reason)

    async def resume(self, subject: str) -> bool:
        """Lets a subject go on; answers whether it was waiting."""
        known = self._pauses.pop(subject, None)
        was_there = await self._book.resume(subject)
        if known is not None:
            self._observer.lane_changed(subject, "resumed", "")
        return was_there

    def of(self, subject: str, now: Instant) -> Pause | None:
        """The pause that holds now, if any."""
        pause = self._pauses.get(subject)
        if pause is None or (pause.until is not None and pause.until <= now):
            return None
        return pause

    def all(self, now: Instant) -> list[Pause]:
        """Every pause that holds now."""
        return [pause for subject in list(self._pauses) if (pause := self.of(subject, now)) is not None]

    def paused_scopes(self, source: str, now: Instant) -> dict[str, Pause]:
        """The scopes of a source that wait now, with their pauses."""
        prefix = scope_subject(source, "")
        return {
            pause.subject.removeprefix(prefix): pause for pause in self.all(now) if pause.subject.startswith(prefix)
        }
