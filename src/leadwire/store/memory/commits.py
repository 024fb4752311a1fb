"""One commit per verb: the place where a simulated crash can strike, before or after the change but never within."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from leadwire.model.errors import StorageFailed

Hook = Callable[[str], None]


class Commits:
    """Wraps every change. A hook that raises stops the process in effect: this ledger takes no further commit."""

    def __init__(self, before: Hook | None, after: Hook | None) -> None:
        self._before = before
        self._after = after
        self._ended: str | None = None
        self.count = 0

    @property
    def ended(self) -> str | None:
        """Why no commit is taken any more; None while they are."""
        return self._ended

    def end(self, reason: str) -> None:
        """Takes no commit from now on."""
        self._ended = self._ended or reason

    @contextmanager
    def commit(self, verb: str) -> Iterator[None]:
        """Runs the change within as the verb's one commit. Raises StorageFailed, with nothing changed, where commits have ended."""
        if self._ended is not None:
            raise StorageFailed(self._ended)
        self._call(self._before, verb)
        yield
        self.count += 1
        self._call(self._after, verb)

    def _call(self, hook: Hook | None, verb: str) -> None:
        if hook is None:
            return
        try:
            hook(verb)
        except BaseException:
            self.end("the process ended here")
            raise
