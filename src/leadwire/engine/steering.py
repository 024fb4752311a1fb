"""Steering: what people ask of the running engine beyond reading and replaying."""

from collections.abc import Sequence

import msgspec

from leadwire.engine.pauses import Pauses, lane_subject
from leadwire.engine.resolve import REPEATS_MAX, ResolveRules
from leadwire.model.errors import NothingToSplit, StoreBusy
from leadwire.model.lead import Lead
from leadwire.model.pull import Pause
from leadwire.model.record import RecordKey
from leadwire.ports.bell import Bell
from leadwire.ports.clock import Clock
from leadwire.ports.lead_book import LeadBook
from leadwire.rules.resolution import Resolution


class Steering:
    """Pauses and resumes lanes, splits and erases leads."""

    def __init__(self, pauses: Pauses, leads: LeadBook, rules: ResolveRules, bell: Bell, clock: Clock) -> None:
        self._pauses = pauses
        self._leads = leads
        self._rules = rules
        self._bell = bell
        self._clock = clock

    async def pause_lane(self, destination: str, reason: str) -> None:
        """Stops a lane until it is resumed; what is owed stays owed."""
        subject = lane_subject(destination)
        await self._pauses.pause(
            Pause(subject=subject, cause="manual", reason=reason, paused_at=self._clock.now(), until=None)
        )

    async def resume_lane(self, destination: str) -> bool:
        """Lets a lane go on, whatever paused it; answers whether it was paused."""
        was_paused = await self._pauses.resume(lane_subject(destination))
        self._bell.ring(f"deliveries:{destination}")
        return was_paused

    async def split_lead(self, lead_id: str, records: Sequence[RecordKey]) -> str | None:
        """Takes records out of a lead: back into the lead they were merged from, else into one of their own; answers its id.

        None where there is no such lead. Raises NothingToSplit where the lead has none, or no other record than these.
        """
        for _ in range(REPEATS_MAX):
            lead = await self._leads.lead(lead_id)
            if lead is None or lead.merged_into is not None:
                return None
            held = [record.key for record in await self._leads.records(lead_id)]
            moved = set(records) & set(held)
            if not moved:
                raise NothingToSplit
            former = await self._former(lead_id, moved)
            known = await self._leads.known(held, [])
            now = self._clock.now()
            resolution = Resolution(known, self._rules.policies, self._rules.routes, self._rules.new_id, now)
            other = resolution.separate(lead_id, moved, former)
            outcome = resolution.outcome()
            try:
                await self._leads.absorb(outcome.absorption, now)
            except StoreBusy:
                continue
            for delivery in outcome.absorption.deliveries:
                self._bell.ring(f"deliveries:{delivery.destination}")
            self._bell.ring("leads", tuple(outcome.changed_leads))
            return other
        raise StoreBusy

    async def _former(self, lead_id: str, moved: set[RecordKey]) -> Lead | None:
        """The lead, merged into this one, that had exactly these records (or more of them)."""
        for merge in reversed(await self._leads.merges(lead_id)):
            if merge.kept != lead_id:
                continue
            absorbed = await self._leads.lead(merge.absorbed)
            if absorbed is not None and absorbed.merged_into == lead_id and moved <= _records_of(absorbed):
                return absorbed
        return None

    async def erase_lead(self, lead_id: str) -> bool:
        """Removes a lead and all that is known of the person; answers whether there was one."""
        was_there = await self._leads.erase(lead_id, self._clock.now())
        if was_there:
            self._bell.ring("leads", (lead_id,))
        return was_there


def _records_of(lead: Lead) -> set[RecordKey]:
    document = msgspec.json.decode(lead.document)
    return {RecordKey(line["source"], line["native_id"]) for line in document["records"]}
