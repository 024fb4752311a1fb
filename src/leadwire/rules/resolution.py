"""Resolving: from records that came in to the leads they speak of and the deliveries that are owed. Pure, and safe to repeat."""

from collections.abc import Callable, Collection, Mapping, Sequence

import msgspec

from leadwire.model.changes import Absorption, Known, LeadChange, RecordChange, Withdrawal
from leadwire.model.delivery import OwedDelivery
from leadwire.model.errors import NothingToSplit
from leadwire.model.lead import Lead, Merge
from leadwire.model.record import Record, RecordKey, StoredRecord, Via
from leadwire.model.times import Instant
from leadwire.rules.identity import IdentityPolicy, apart_key, can_merge, can_take, identity_keys, merge_reason
from leadwire.rules.merge import document, fingerprint, happened_at, in_order, observe
from leadwire.rules.phones import phone_search_words
from leadwire.rules.routing import Route, Version, owed

_encode = msgspec.json.Encoder().encode


class SourcePolicy(msgspec.Struct, frozen=True, kw_only=True):
    """How a source's records are resolved.

    `test_leads`: "flag" keeps and shows them, "drop" leaves them out, "deliver" treats them as real.
    """

    identity: IdentityPolicy = IdentityPolicy()
    test_leads: str = "flag"


_UNCONFIGURED = SourcePolicy()  # of a source that left the configuration and whose records are still here


class Incoming(msgspec.Struct, frozen=True, kw_only=True):
    """A record on its way in."""

    source: str
    via: Via
    received_at: Instant
    record: Record
    event_sequence: int | None = None

    @property
    def key(self) -> RecordKey:
        return RecordKey(self.source, self.record.native_id)


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the incoming records: counts for people, the lead ids that changed, and all that is to be stored."""

    absorption: Absorption
    new_leads: Sequence[str] = ()
    changed_leads: Sequence[str] = ()
    duplicates: int = 0
    dropped: int = 0


class _Draft:
    """A lead while it is being worked on."""

    def __init__(self, lead_id: str, lead: Lead | None, records: Sequence[StoredRecord], keys: Sequence[str]) -> None:
        self.id = lead_id
        self.lead = lead
        self.records = {record.key: record for record in records}
        self.keys = dict.fromkeys(keys)
        self.taken_keys: list[str] = []
        self.new_records: set[RecordKey] = set()
        self.is_changed = False
        self.merged_into: str | None = None

    @property
    def version(self) -> int:
        return 0 if self.lead is None else self.lead.version


class Resolution:
    """One step of resolving. Give it what the book knows, let it `take` every incoming record, then ask for its `outcome`."""

    def __init__(
        self,
        known: Known,
        policies: Mapping[str, SourcePolicy],
        routes: Sequence[Route],
        new_id: Callable[[], str],
        now: Instant,
    ) -> None:
        self._policies = policies
        self._routes = routes
        self._new_id = new_id
        self._now = now
        self._owners = dict(known.owners)
        self._stored = {record.key: record for record in known.records}
        by_lead: dict[str, list[StoredRecord]] = {}
        for record in known.records:
            by_lead.setdefault(record.lead_id, []).append(record)
        self._drafts = {
            lead.id: _Draft(lead.id, lead, by_lead.get(lead.id, ()), known.keys.get(lead.id, ()))
            for lead in known.leads
        }
        self._homes = {record.key: record.lead_id for record in known.records}
        self._merges: list[Merge] = []
        self._duplicates = 0
        self._dropped = 0

    def _policy(self, source: str) -> SourcePolicy:
        return self._policies.get(source, _UNCONFIGURED)

    def take(self, incoming: Incoming) -> None:
        """Works one record in. A record that says nothing new changes nothing."""
        policy = self._policy(incoming.source)
        home = self._homes.get(incoming.key)
        if home is not None and home not in self._drafts:
            self._duplicates += 1  # its lead was erased: it is not taken in again
        elif home is not None:
            self._observe_again(self._drafts[home], incoming, policy)
        elif incoming.record.is_test and policy.test_leads == "drop":
            self._dropped += 1
        else:
            self._take_new(incoming, policy)

    def _observe_again(self, draft: _Draft, incoming: Incoming, policy: SourcePolicy) -> None:
        stored = draft.records[incoming.key]
        content = observe(stored.content, incoming.record)
        if (mark := fingerprint(content)) == stored.fingerprint:
            self._duplicates += 1
            return
        self._put(draft, msgspec.structs.replace(stored, content=content, fingerprint=mark))
        self._give_keys(draft, identity_keys(content, policy.identity), policy.identity)

    def _take_new(self, incoming: Incoming, policy: SourcePolicy) -> None:
        keys = identity_keys(incoming.record, policy.identity)
        draft = self._find_home(keys, policy.identity)
        if draft is None:
            draft = _Draft(self._new_id(), None, (), ())
            self._drafts[draft.id] = draft
        record = StoredRecord(
            sequence=0,
            source=incoming.source,
            lead_id=draft.id,
            via=incoming.via,
            received_at=incoming.received_at,
            stored_at=self._now,
            content=incoming.record,
            fingerprint=fingerprint(incoming.record),
            event_sequence=incoming.event_sequence,
        )
        draft.new_records.add(record.key)
        self._put(draft, record)
        self._give_keys(draft, keys, policy.identity)

    def _put(self, draft: _Draft, record: StoredRecord) -> None:
        draft.records[record.key] = record
        self._homes[record.key] = draft.id
        draft.is_changed = True

    def _give_keys(self, draft: _Draft, keys: Sequence[str], policy: IdentityPolicy) -> None:
        for key in keys:
            if key not in self._owners and can_take(draft.keys, key, policy):
                self._owners[key] = draft.id
                draft.keys[key] = None
                draft.taken_keys.append(key)

    def _find_home(self, keys: Sequence[str], policy: IdentityPolicy) -> _Draft | None:
        """The lead that a new record belongs to: the one that holds its phone, else its e-mail; two that it connects become one."""
        held = [key for key in keys if key in self._owners]
        drafts = list({self._owners[key]: self._drafts[self._owners[key]] for key in held}.values())
        if len(drafts) == 2 and can_merge((drafts[0].id, drafts[0].keys), (drafts[1].id, drafts[1].keys)):
            older, younger = sorted(drafts, key=lambda draft: draft.id)
            return self._merge(older, younger, held)
        for draft in drafts:
            if all(can_take(draft.keys, key, policy) or key in self._owners for key in keys):
                return draft
        return None

    def _merge(self, kept: _Draft, absorbed: _Draft, keys: Sequence[str]) -> _Draft:
        for record in absorbed.records.values():
            self._put(kept, msgspec.structs.replace(record, lead_id=kept.id))
        kept.new_records |= absorbed.new_records
        for key in absorbed.keys:
            kept.keys[key] = None
            kept.taken_keys.append(key)
            self._owners[key] = kept.id
        absorbed.records.clear()
        absorbed.keys.clear()
        absorbed.taken_keys.clear()
        if absorbed.lead is None:
            del self._drafts[absorbed.id]  # it was never stored: nothing to undo
            return kept
        absorbed.merged_into = kept.id
        absorbed.is_changed = True
        self._merges.append(
            Merge(id=self._new_id(), kept=kept.id, absorbed=absorbed.id, reason=merge_reason(keys), merged_at=self._now)
        )
        return kept

    def separate(self, lead_id: str, moved: Collection[RecordKey], former: Lead | None) -> str:
        """Takes records out of a lead: into the `former` lead they came from, or into a new one; answers its id.

        A key goes with the oldest record that carries it, and the two leads never merge by themselves again. Raises
        NothingToSplit where no record, or no other record than these, belongs to the lead.
        """
        draft = self._drafts[lead_id]
        taken = [record for key, record in draft.records.items() if key in moved]
        if not taken or len(taken) == len(draft.records):
            raise NothingToSplit
        first: dict[str, RecordKey] = {}
        for record in in_order(draft.records.values()):
            for key in identity_keys(record.content, self._policy(record.source).identity):
                first.setdefault(key, record.key)
        other = _Draft(former.id if former else self._new_id(), former, (), ())
        self._drafts[other.id] = other
        for record in taken:
            del draft.records[record.key]
            self._put(other, msgspec.structs.replace(record, lead_id=other.id))
        other.taken_keys = [key for key, carrier in first.items() if carrier in other.records]
        other.taken_keys.append(apart_key(lead_id))
        other.keys = dict.fromkeys(other.taken_keys)
        draft.keys = {key: None for key in draft.keys if key not in other.keys}
        draft.is_changed = True
        return other.id

    def outcome(self) -> Outcome:
        """All that is to be stored, guarded against what the book knew."""
        changed = [draft for draft in self._drafts.values() if draft.is_changed]
        leads: list[LeadChange] = []
        records: list[RecordChange] = []
        deliveries: list[OwedDelivery] = []
        withdrawals: list[Withdrawal] = []
        for draft in changed:
            if draft.merged_into is not None:
                leads.append(self._farewell(draft, draft.merged_into))
                withdrawals += [
                    Withdrawal(sync=route.sync, lead_id=draft.id, reason=f"merged into {draft.merged_into}")
                    for route in self._routes
                    if route.grain == "lead"  # a record stays owed, whichever lead it is on now
                ]
                continue
            change, version = self._next_version(draft)
            leads.append(change)
            for route in self._routes:
                duty = owed(version, route, self._now)
                if isinstance(duty, Withdrawal):
                    withdrawals += [duty] if draft.version else []
                else:
                    deliveries += duty or ()
            records += self._record_changes(draft)
        return Outcome(
            absorption=Absorption(
                records=records, leads=leads, merges=self._merges, deliveries=deliveries, withdrawals=withdrawals
            ),
            new_leads=[draft.id for draft in changed if draft.version == 0],
            changed_leads=[draft.id for draft in changed],
            duplicates=self._duplicates,
            dropped=self._dropped,
        )

    def _record_changes(self, draft: _Draft) -> list[RecordChange]:
        changes = []
        for key, record in draft.records.items():
            stored = self._stored.get(key)
            if stored is not record:
                changes.append(RecordChange(record=record, previous=None if stored is None else stored.fingerprint))
        return changes

    def _next_version(self, draft: _Draft) -> tuple[LeadChange, Version]:
        records = in_order(draft.records.values())
        number = draft.version + 1
        region = self._policy(records[-1].source).identity.region
        content = document(draft.id, number, records, now=self._now, region=region)
        received_at = max(record.received_at for record in records)
        lead = Lead(
            id=draft.id,
            version=number,
            created_at=min(happened_at(record) for record in records),
            updated_at=self._now,
            received_at=received_at,
            document=msgspec.Raw(_encode(content)),
        )
        change = LeadChange(
            lead=lead, previous_version=draft.version, keys=draft.taken_keys, search=search_text(content, draft.keys)
        )
        version = Version(
            lead_id=draft.id,
            number=number,
            document=content,
            records=records,
            new_records=frozenset(draft.new_records),
            received_at=received_at,
            is_deliverable=any(
                not record.content.is_test or self._policy(record.source).test_leads == "deliver" for record in records
            ),
        )
        return change, version

    def _farewell(self, draft: _Draft, kept: str) -> LeadChange:
        lead = draft.lead
        assert lead is not None
        gone = msgspec.structs.replace(lead, version=lead.version + 1, updated_at=self._now, merged_into=kept)
        return LeadChange(lead=gone, previous_version=lead.version)


def search_text(content: Mapping[str, object], keys: Sequence[str] | Mapping[str, None]) -> str:
    """The words that a lead is found by: names, company, city, campaign, and every phone and e-mail it holds."""
    attribution = content.get("attribution")
    campaign = attribution.get("campaign_name") if isinstance(attribution, dict) else None
    words = [content.get(name) for name in ("full_name", "email", "phone", "company", "city")]
    phones = [key.removeprefix("phone:") for key in keys if key.startswith("phone:")]
    emails = [key.removeprefix("email:") for key in keys if key.startswith("email:")]
    return " ".join(str(word) for word in [*words, campaign, *map(phone_search_words, phones), *emails] if word)
