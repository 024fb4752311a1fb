"""The auditor: compares what senders were promised with what the CRM got, and names every difference."""

from collections import Counter, defaultdict
from typing import Any

import msgspec

from e2e.program import Program
from e2e.sender import Book
from e2e.town import Key, Town
from e2e.until import until

QUIET_WITHIN_S = 60.0
WAITING = (
    "events?state=stored",
    "fetches?state=pending",
    "fetches?state=leased",
    "deliveries?state=pending",
    "deliveries?state=leased",
)


class Audit(msgspec.Struct, frozen=True, kw_only=True):
    """The differences, by kind. Sound where all lists are empty; `unknown_arrived` is allowed, and only counted.

    lost: taken (2xx), and not at the CRM. twice: a record in two rows, or one version under two keys. ghost: never sent.
    stale: the CRM holds another version than the ledger's. backwards: an older version was written over a newer one.
    """

    acked: int
    arrived: int
    unknown_arrived: int
    lost: list[Key]
    twice: list[Any]
    ghost: list[Key]
    stale: list[str]
    backwards: int

    @property
    def is_sound(self) -> bool:
        return not (self.lost or self.twice or self.ghost or self.stale or self.backwards)


async def audit(book: Book, town: Town, program: Program, within_s: float = QUIET_WITHIN_S) -> Audit:
    """The verdict, once nothing is owed any more and all faults are off."""
    await until(lambda: is_quiet(program), within_s, "an empty queue")
    arrived = Counter(town.arrived())
    unknown = book.of("unknown")
    return Audit(
        acked=len(book.acked),
        arrived=len(arrived),
        unknown_arrived=len(unknown & arrived.keys()),
        lost=sorted(book.acked - arrived.keys()),
        twice=[*sorted(key for key, times in arrived.items() if times > 1), *keys_twice(town)],
        ghost=sorted(arrived.keys() - book.outcomes.keys()),
        stale=await stale(town, program),
        backwards=town.crm.snapshot()["versions_backwards"],
    )


async def is_quiet(program: Program) -> bool:
    """Whether everything that was taken in has come to an end. Looks along the way that leads take, so that none slips past."""
    for waiting in WAITING:
        if (await program.get(f"/api/v1/{waiting}&limit=1"))["items"]:
            return False
    return True


def keys_twice(town: Town) -> list[str]:
    """Versions of a lead that were sent under two keys, and keys that carried two versions."""
    keys: dict[tuple[str, int], set[str]] = defaultdict(set)
    versions: dict[str, set[tuple[str, int]]] = defaultdict(set)
    for effect in town.crm.effects:
        keys[effect.lead_id, effect.version].add(effect.key)
        versions[effect.key].add((effect.lead_id, effect.version))
    return [
        *(f"{version} came under the keys {sorted(found)}" for version, found in keys.items() if len(found) > 1),
        *(f"key {key} carried {sorted(found)}" for key, found in versions.items() if len(found) > 1),
    ]


async def stale(town: Town, program: Program) -> list[str]:
    """Leads whose version at the CRM is not the ledger's."""
    held = {lead_id: lead["version"] for lead_id, lead in town.rows().items()}
    kept = {lead["id"]: lead["version"] for lead in await program.items("/api/v1/leads")}
    return [
        f"{lead_id}: version {held.get(lead_id)} at the CRM, {kept.get(lead_id)} in the ledger"
        for lead_id in sorted(held.keys() | kept.keys())
        if held.get(lead_id) != kept.get(lead_id)
    ]
