"""The pause book in memory."""

from collections.abc import Sequence

from leadwire.model.pull import Pause
from leadwire.store.memory.commits import Commits
from leadwire.store.memory.state import MemoryState


class MemoryPauseBook:
    """A `PauseBook`; pauses come by subject."""

    def __init__(self, state: MemoryState, commits: Commits) -> None:
        self._pauses = state.pauses
        self._commits = commits

    async def pause(self, pause: Pause) -> None:
        known = self._pauses.get(pause.subject)
        if known is not None and known.cause == "manual" and pause.cause != "manual":
            return
        with self._commits.commit("pauses.pause"):
            self._pauses[pause.subject] = pause

    async def resume(self, subject: str) -> bool:
        if subject not in self._pauses:
            return False
        with self._commits.commit("pauses.resume"):
            del self._pauses[subject]
        return True

    async def pauses(self) -> Sequence[Pause]:
        return [self._pauses[subject] for subject in sorted(self._pauses)]
