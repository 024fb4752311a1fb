"""What a store would keep on disk. It outlives the ledgers that are opened on it, as a file outlives a crash."""

from dataclasses import dataclass, field

import msgspec

from leadwire.model.event import StoredEvent
from leadwire.model.lead import DeskState, Lead, Merge
from leadwire.model.pull import Pause
from leadwire.model.record import RecordKey
from leadwire.model.times import Instant
from leadwire.ports.accounts import ApiToken, Session, User
from leadwire.store.memory.delivery_table import DeliveryTable
from leadwire.store.memory.fetch_table import FetchTable
from leadwire.store.memory.record_table import RecordTable


class DeskMark(msgspec.Struct, frozen=True, kw_only=True):
    """What the desk did with a lead."""

    state: DeskState = "new"
    claimed_by: str | None = None
    claimed_at: Instant | None = None
    opened_at: Instant | None = None
    first_touch_at: Instant | None = None


class SignInCode(msgspec.Struct, frozen=True, kw_only=True):
    """A one-time code that is still good for one sign-in."""

    user: str
    expires_at: Instant


@dataclass(slots=True)
class EventTable:
    """Events by sequence, the dedup keys that are still remembered, and each source's newest event, which outlives it."""

    rows: dict[int, StoredEvent] = field(default_factory=dict)
    sequences: dict[tuple[str, bytes], int] = field(default_factory=dict)
    dedup_keys: dict[int, tuple[str, bytes]] = field(default_factory=dict)
    unresolved: dict[int, None] = field(default_factory=dict)
    last_event_at: dict[str, Instant] = field(default_factory=dict)
    last_sequence: int = 0

    def put(self, event: StoredEvent) -> None:
        """Stores the event as it is now."""
        self.rows[event.sequence] = event
        if event.state == "stored":
            self.unresolved[event.sequence] = None
        else:
            self.unresolved.pop(event.sequence, None)

    def delete(self, sequence: int) -> None:
        """Forgets an event with its dedup key."""
        if self.rows.pop(sequence, None) is not None:
            self.unresolved.pop(sequence, None)
            del self.sequences[self.dedup_keys.pop(sequence)]


@dataclass(slots=True)
class LeadTable:
    """Leads, the documents of all their versions, their identity keys and the words they are found by."""

    rows: dict[str, Lead] = field(default_factory=dict)
    documents: dict[tuple[str, int], msgspec.Raw] = field(default_factory=dict)
    words: dict[str, list[str]] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    keys: dict[str, dict[str, None]] = field(default_factory=dict)
    merges: dict[str, Merge] = field(default_factory=dict)
    desk: dict[str, DeskMark] = field(default_factory=dict)

    def put(self, lead: Lead, words: list[str]) -> None:
        """Stores the lead's new version."""
        document = msgspec.Raw(bytes(lead.document))  # a copy: a Raw may look into somebody's buffer
        self.rows[lead.id] = msgspec.structs.replace(lead, document=document)
        self.documents[lead.id, lead.version] = document
        self.words[lead.id] = words
        self.keys.setdefault(lead.id, {})

    def give_key(self, key: str, lead_id: str) -> None:
        """Makes the key this lead's and nobody else's."""
        if (owner := self.owners.get(key)) is not None:
            self.keys[owner].pop(key, None)
        self.owners[key] = lead_id
        self.keys[lead_id][key] = None

    def delete(self, lead_id: str) -> None:
        """Forgets a lead with all that is known of the person; the merges stay, they hold ids only."""
        del self.rows[lead_id]
        for version in [version for version in self.documents if version[0] == lead_id]:
            del self.documents[version]
        del self.words[lead_id]
        for key in self.keys.pop(lead_id):
            del self.owners[key]
        self.desk.pop(lead_id, None)


@dataclass(slots=True)
class AccountTable:
    """Users and everything that lets them or programs in."""

    users: dict[str, User] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    tokens: dict[str, ApiToken] = field(default_factory=dict)
    codes: dict[str, SignInCode] = field(default_factory=dict)


@dataclass(slots=True)
class MemoryState:
    """One ledger's whole content. Open a new MemoryLedger on it to go on after a simulated crash."""

    events: EventTable = field(default_factory=EventTable)
    records: RecordTable = field(default_factory=RecordTable)
    leads: LeadTable = field(default_factory=LeadTable)
    deliveries: DeliveryTable = field(default_factory=DeliveryTable)
    fetches: FetchTable = field(default_factory=FetchTable)
    cursors: dict[tuple[str, str], bytes] = field(default_factory=dict)
    pauses: dict[str, Pause] = field(default_factory=dict)
    accounts: AccountTable = field(default_factory=AccountTable)

    def has_record_of(self, lead_id: str, source: str) -> bool:
        """Whether the lead has a record of this source."""
        return any(key.source == source for key in self.records.of_lead.get(lead_id, ()))

    def is_record_known(self, key: RecordKey) -> bool:
        """Whether a record of this key was ever stored, erased or not."""
        return key in self.records.rows
