-- The whole ledger. Times are microseconds since 1970 in UTC; documents are JSON texts; states are the words of the model.

CREATE TABLE heartbeat (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  at INTEGER NOT NULL
);
INSERT INTO heartbeat (one, at) VALUES (1, 0);

-- The event log. `head` is [method, path, headers] as JSON bytes. AUTOINCREMENT: a sequence is never given out twice,
-- not even after the newest events were pruned.
CREATE TABLE events (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  source TEXT NOT NULL,
  dedup_key BLOB NOT NULL,
  state TEXT NOT NULL DEFAULT 'stored',
  received_at INTEGER NOT NULL,
  stored_at INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  reason TEXT,
  head BLOB NOT NULL,
  query BLOB NOT NULL,
  body BLOB NOT NULL
);
CREATE UNIQUE INDEX events_dedup ON events (source, dedup_key);
CREATE INDEX events_waiting ON events (state, sequence, source, received_at) WHERE state <> 'resolved';
CREATE INDEX events_resolved ON events (received_at) WHERE state = 'resolved';

-- The newest event of each source; it outlives the events.
CREATE TABLE event_sources (
  source TEXT PRIMARY KEY,
  last_event_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TRIGGER events_noted AFTER INSERT ON events BEGIN
  INSERT INTO event_sources (source, last_event_at) VALUES (NEW.source, NEW.received_at)
  ON CONFLICT (source) DO UPDATE SET last_event_at = excluded.last_event_at
  WHERE excluded.last_event_at > event_sources.last_event_at;
END;

-- The lead book. A record is never deleted; an erased one keeps its key, and '' as its fingerprint.
CREATE TABLE records (
  sequence INTEGER PRIMARY KEY,
  source TEXT NOT NULL,
  native_id TEXT NOT NULL,
  lead_id TEXT NOT NULL,
  via TEXT NOT NULL,
  received_at INTEGER NOT NULL,
  stored_at INTEGER NOT NULL,
  event_sequence INTEGER,
  fingerprint TEXT NOT NULL,
  content TEXT NOT NULL
);
CREATE UNIQUE INDEX records_key ON records (source, native_id);
CREATE INDEX records_lead ON records (lead_id, source);

CREATE TABLE leads (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL,
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  received_at INTEGER NOT NULL,
  merged_into TEXT,
  desk_state TEXT NOT NULL DEFAULT 'new',
  claimed_by TEXT,
  claimed_at INTEGER,
  opened_at INTEGER,
  first_touch_at INTEGER,
  document TEXT NOT NULL
);
CREATE UNIQUE INDEX leads_id ON leads (id);
CREATE INDEX leads_place ON leads (received_at, id) WHERE merged_into IS NULL;
CREATE INDEX leads_updated ON leads (updated_at) WHERE merged_into IS NULL;
CREATE INDEX leads_worked ON leads (desk_state, received_at, id) WHERE merged_into IS NULL AND desk_state <> 'new';
CREATE INDEX leads_merged ON leads (merged_into) WHERE merged_into IS NOT NULL;

-- How many leads that were not merged away stand in each state of the desk.
CREATE TABLE desk_counts (
  state TEXT PRIMARY KEY,
  leads INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO desk_counts (state, leads) VALUES ('new', 0), ('claimed', 0), ('contacted', 0);
CREATE TRIGGER leads_counted AFTER INSERT ON leads WHEN NEW.merged_into IS NULL BEGIN
  UPDATE desk_counts SET leads = leads + 1 WHERE state = NEW.desk_state;
END;
CREATE TRIGGER leads_recounted AFTER UPDATE OF desk_state, merged_into ON leads
WHEN OLD.desk_state <> NEW.desk_state OR (OLD.merged_into IS NULL) <> (NEW.merged_into IS NULL) BEGIN
  UPDATE desk_counts SET leads = leads - 1 WHERE state = OLD.desk_state AND OLD.merged_into IS NULL;
  UPDATE desk_counts SET leads = leads + 1 WHERE state = NEW.desk_state AND NEW.merged_into IS NULL;
END;
CREATE TRIGGER leads_discounted AFTER DELETE ON leads WHEN OLD.merged_into IS NULL BEGIN
  UPDATE desk_counts SET leads = leads - 1 WHERE state = OLD.desk_state;
END;

-- Documents of versions that are not the newest any more and that a delivery may still bring.
CREATE TABLE past_documents (
  lead_id TEXT NOT NULL,
  version INTEGER NOT NULL,
  document TEXT NOT NULL,
  PRIMARY KEY (lead_id, version)
) WITHOUT ROWID;

CREATE TABLE lead_keys (
  key TEXT PRIMARY KEY,
  lead_id TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX lead_keys_lead ON lead_keys (lead_id);

-- The words (rules.search) that a lead is found by, under its number. secure-delete: erased words leave the index at once.
CREATE VIRTUAL TABLE lead_words USING fts5 (words, tokenize = 'ascii', detail = none);
INSERT INTO lead_words (lead_words, rank) VALUES ('secure-delete', 1);

CREATE TABLE merges (
  id TEXT PRIMARY KEY,
  kept TEXT NOT NULL,
  absorbed TEXT NOT NULL,
  reason TEXT NOT NULL,
  merged_at INTEGER NOT NULL,
  undone_at INTEGER
) WITHOUT ROWID;
CREATE INDEX merges_kept ON merges (kept);
CREATE INDEX merges_absorbed ON merges (absorbed);

CREATE TABLE cursors (
  source TEXT NOT NULL,
  stream TEXT NOT NULL,
  cursor TEXT NOT NULL,
  PRIMARY KEY (source, stream)
) WITHOUT ROWID;

-- The fetch queue.
CREATE TABLE fetches (
  number INTEGER PRIMARY KEY,
  source TEXT NOT NULL,
  native_id TEXT NOT NULL,
  scope TEXT NOT NULL,
  state TEXT NOT NULL,
  received_at INTEGER NOT NULL,
  not_before INTEGER NOT NULL,
  occurred_at INTEGER,
  attempts INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  lease_until INTEGER,
  owner TEXT,
  event_sequence INTEGER,
  updated_at INTEGER NOT NULL,
  reason TEXT,
  context TEXT NOT NULL
);
CREATE UNIQUE INDEX fetches_key ON fetches (source, native_id);
CREATE INDEX fetches_age ON fetches (received_at, source, native_id);
CREATE INDEX fetches_due ON fetches (source, received_at, native_id, not_before, scope) WHERE state = 'pending';
CREATE INDEX fetches_next ON fetches (source, not_before) WHERE state = 'pending';
CREATE INDEX fetches_leased ON fetches (source, received_at) WHERE state = 'leased';
CREATE INDEX fetches_parked ON fetches (source, received_at) WHERE state = 'parked';

-- The delivery queue.
CREATE TABLE deliveries (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL,
  sync TEXT NOT NULL,
  destination TEXT NOT NULL,
  lead_id TEXT NOT NULL,
  version INTEGER NOT NULL,
  grain TEXT NOT NULL,
  record_source TEXT,
  record_native_id TEXT,
  state TEXT NOT NULL,
  owed_at INTEGER NOT NULL,
  received_at INTEGER NOT NULL,
  not_before INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  delivered_at INTEGER,
  attempts INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  lease_until INTEGER,
  owner TEXT,
  uncertain INTEGER NOT NULL,
  last_status INTEGER,
  reason TEXT
);
CREATE UNIQUE INDEX deliveries_id ON deliveries (id);
CREATE INDEX deliveries_age ON deliveries (owed_at, id);
CREATE INDEX deliveries_lead ON deliveries (lead_id, version, sync);
CREATE INDEX deliveries_due ON deliveries (destination, not_before, owed_at, id) WHERE state = 'pending';
CREATE INDEX deliveries_fresh ON deliveries (destination, received_at, id) WHERE state = 'pending';
CREATE INDEX deliveries_open ON deliveries (lead_id, sync) WHERE state IN ('pending', 'leased');
CREATE INDEX deliveries_leased ON deliveries (destination, owed_at, lease_until) WHERE state = 'leased';
CREATE INDEX deliveries_dead ON deliveries (owed_at, id, destination) WHERE state = 'dead';
CREATE INDEX deliveries_ended ON deliveries (updated_at, id) WHERE state IN ('superseded', 'cancelled');

-- Every destination that was ever owed something, and when it last took something.
CREATE TABLE lanes (
  destination TEXT PRIMARY KEY,
  last_delivered_at INTEGER
) WITHOUT ROWID;

CREATE TABLE attempts (
  delivery_id TEXT NOT NULL,
  epoch INTEGER NOT NULL,
  number INTEGER NOT NULL,
  started_at INTEGER NOT NULL,
  duration_us INTEGER NOT NULL,
  outcome TEXT NOT NULL,
  status INTEGER,
  detail TEXT,
  PRIMARY KEY (delivery_id, epoch)
) WITHOUT ROWID;

-- Pauses, users, tokens.
CREATE TABLE pauses (
  subject TEXT PRIMARY KEY,
  cause TEXT NOT NULL,
  reason TEXT NOT NULL,
  paused_at INTEGER NOT NULL,
  until INTEGER
) WITHOUT ROWID;

CREATE TABLE users (
  name TEXT PRIMARY KEY,
  role TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  password_hash TEXT,
  disabled_at INTEGER
) WITHOUT ROWID;

CREATE TABLE sessions (
  digest TEXT PRIMARY KEY,
  user TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  seen_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX sessions_user ON sessions (user);

CREATE TABLE tokens (
  id TEXT PRIMARY KEY,
  digest TEXT NOT NULL UNIQUE,
  scopes TEXT NOT NULL,
  name TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  revoked_at INTEGER,
  last_used_at INTEGER
) WITHOUT ROWID;

CREATE TABLE codes (
  digest TEXT PRIMARY KEY,
  user TEXT NOT NULL,
  expires_at INTEGER NOT NULL
) WITHOUT ROWID;
