"""What people do to leads and queues: the ledger is changed, then everyone who waits for that is woken."""

from collections.abc import Sequence
from typing import Literal

from leadwire.model.lead import DeskEntry
from leadwire.ports.delivery_queue import DeliveryFilter
from leadwire.web.gate import Turned
from leadwire.web.surroundings import SiteServices

DeskDeed = Literal["claim", "release", "contact"]

PARKED_MAX = 10_000
_PAGE = 500


async def entry_of(site: SiteServices, lead_id: str) -> DeskEntry:
    """The lead with its desk marks. Raises Turned where there is none."""
    entries = await site.ledger.desk.entries([lead_id])
    if not entries:
        raise Turned("not-found", "There is no such lead.")
    return entries[0]


async def do_at_desk(site: SiteServices, deed: DeskDeed, lead_id: str, user: str) -> tuple[bool, DeskEntry]:
    """Whether the deed was done, and how the lead stands now (who won, where it was not)."""
    before = await entry_of(site, lead_id)
    now = site.clock.now()
    desk = site.ledger.desk
    match deed:
        case "claim":
            is_done = await desk.claim(lead_id, user, now)
        case "release":
            is_done = await desk.release(lead_id, user, now)
        case "contact":
            is_done = await desk.contact(lead_id, user, now)
    after = await entry_of(site, lead_id)
    if is_done:
        site.bell.ring("leads", (lead_id,))
        if before.first_touch_at is None and after.first_touch_at is not None:
            site.metrics.touched(now - after.lead.received_at, now)
    return is_done, after


def refusal_words(deed: DeskDeed, entry: DeskEntry, user: str) -> str:
    """Why a deed was not done."""
    if deed == "release":
        return f"It is not {user}'s to give back."
    if entry.claimed_by == user:
        return f"{user} has it already."
    if entry.claimed_by is not None:
        return f"{entry.claimed_by} was faster and has this lead."
    return "This lead was contacted already."


async def replay_deliveries(site: SiteServices, which: DeliveryFilter, *, dry_run: bool) -> int:
    """Dead and delivered ones become due now; answers how many."""
    count = await site.ledger.delivery_book.replay(which, site.clock.now(), dry_run=dry_run)
    if count and not dry_run:
        for destination in site.settings.destinations:
            if which.destination in (None, destination):
                site.bell.ring(f"deliveries:{destination}")
    return count


async def replay_fetches(
    site: SiteServices, source: str, ids: Sequence[str] | None, scopes: Sequence[str] | None
) -> int:
    """Parked ids become due now: these, those of some scopes, or (neither given) all of the source."""
    if ids is None and scopes is None:
        ids = await _parked_ids(site, source)
    count = await site.ledger.fetches.requeue(source, ids or (), scopes or (), site.clock.now())
    if count:
        site.bell.ring(f"fetches:{source}")
    return count


async def _parked_ids(site: SiteServices, source: str) -> list[str]:
    ids: list[str] = []
    after: str | None = None
    while len(ids) < PARKED_MAX:
        page = await site.ledger.fetches.page("parked", source, after, _PAGE)
        ids += [fetch.native_id for fetch in page]
        if len(page) < _PAGE:
            break
        after = f"{source}/{page[-1].native_id}"
    return ids


async def replay_events(site: SiteServices, sequences: Sequence[int] | None) -> int:
    """Quarantined events are parsed again: these, or (None) all, at most 10,000 at once."""
    if sequences is None:
        sequences = [event.sequence for event in await site.ledger.events.page("quarantined", None, PARKED_MAX)]
    count = await site.ledger.events.requeue(sequences, site.clock.now())
    if count:
        site.bell.ring("events")
    return count
