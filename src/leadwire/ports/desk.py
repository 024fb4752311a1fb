"""The sales desk: which leads wait for a call, and who took them."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from leadwire.model.lead import DeskEntry, DeskState
from leadwire.model.times import Instant


class DeskQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which leads. `text`: every word must begin one of the lead's search words. `before` pages: only leads whose
    (received_at, id) stands before that pair (the newest enquiry stands first)."""

    text: str = ""
    source: str | None = None
    state: DeskState | None = None
    claimed_by: str | None = None
    before: tuple[Instant, str] | None = None
    limit: int = 50


class Desk(Protocol):
    """Remembers what reps did with a lead. Claims are conditional updates: two reps can't both win.

    A lead's `received_at` is that of its newest record, so a repeat enquiry stands on top again.
    """

    async def page(self, query: DeskQuery) -> Sequence[DeskEntry]:
        """Leads by (received_at, id), newest first; merged ones left out."""
        ...

    async def entries(self, lead_ids: Sequence[str]) -> Sequence[DeskEntry]:
        """These leads' entries, in no order; unknown ids are left out."""
        ...

    async def claim(self, lead_id: str, user: str, now: Instant) -> bool:
        """True for exactly one of all that try; first_touch_at is set with it."""
        ...

    async def release(self, lead_id: str, user: str, now: Instant) -> bool:
        """Gives a claim back; only its holder can. Back to "new"."""
        ...

    async def contact(self, lead_id: str, user: str, now: Instant) -> bool:
        """Marks a lead that `user` holds (or nobody holds, which claims it) as contacted."""
        ...

    async def open(self, lead_id: str, now: Instant) -> None:
        """Notes the first time that anyone opened the lead's page."""
        ...

    async def counts(self) -> dict[DeskState, int]:
        """How many leads are in each state."""
        ...
