"""The pause book: which lanes and source scopes wait, why, and until when. It outlives a restart."""

from collections.abc import Sequence
from typing import Protocol

from leadwire.model.pull import Pause


class PauseBook(Protocol):
    """Remembers pauses by subject: "destination:NAME" or "source:NAME/SCOPE"."""

    async def pause(self, pause: Pause) -> None:
        """Stores it; a "manual" pause is not replaced by any other cause."""
        ...

    async def resume(self, subject: str) -> bool:
        """Removes it; answers whether there was one."""
        ...

    async def pauses(self) -> Sequence[Pause]:
        """All of them."""
        ...
