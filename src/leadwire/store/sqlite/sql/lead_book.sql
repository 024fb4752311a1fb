-- The lead book. `rows` are the values of model.changes as JSON, as msgspec writes them. CROSS JOIN keeps SQLite from turning a
-- join around: what was asked leads, the table is looked up.

-- name: last_record
SELECT coalesce(max(sequence), 0) FROM records

-- name: known
WITH
asked_records AS MATERIALIZED (
  SELECT r.sequence, r.lead_id FROM json_each(:records) AS a
  CROSS JOIN records AS r ON r.source = a.value ->> 0 AND r.native_id = a.value ->> 1
),
asked_keys AS MATERIALIZED (SELECT k.key, k.lead_id FROM json_each(:keys) AS a CROSS JOIN lead_keys AS k ON k.key = a.value),
holders AS MATERIALIZED (
  SELECT l.number, l.id FROM (SELECT lead_id FROM asked_records UNION SELECT lead_id FROM asked_keys) AS h
  CROSS JOIN leads AS l ON l.id = h.lead_id
  WHERE l.merged_into IS NULL
),
wanted AS (
  SELECT sequence FROM asked_records
  UNION
  SELECT r.sequence FROM holders AS h CROSS JOIN records AS r ON r.lead_id = h.id WHERE r.fingerprint <> ''
)
SELECT
  (
    SELECT json_group_array(
      json_object(
        'id', l.id, 'version', l.version, 'created_at', l.created_at, 'updated_at', l.updated_at,
        'received_at', l.received_at, 'document', json(l.document), 'merged_into', l.merged_into
      )
    )
    FROM (SELECT l.* FROM holders AS h CROSS JOIN leads AS l ON l.number = h.number ORDER BY l.id) AS l
  ),
  (
    SELECT json_group_array(
      json_object(
        'sequence', r.sequence, 'source', r.source, 'lead_id', r.lead_id, 'via', r.via, 'received_at', r.received_at,
        'stored_at', r.stored_at, 'content', json(r.content), 'fingerprint', r.fingerprint,
        'event_sequence', r.event_sequence
      )
    )
    FROM (SELECT r.* FROM wanted AS w CROSS JOIN records AS r ON r.sequence = w.sequence ORDER BY r.sequence) AS r
  ),
  (SELECT json_group_object(key, lead_id) FROM asked_keys),
  (
    SELECT json_group_object(id, json(keys)) FROM (
      SELECT h.id, (SELECT json_group_array(k.key) FROM lead_keys AS k WHERE k.lead_id = h.id) AS keys FROM holders AS h
    )
  )

-- name: add_records
INSERT INTO records (
  sequence, source, native_id, lead_id, via, received_at, stored_at, event_sequence, fingerprint, content
)
SELECT
  :base + c.key + 1,
  c.value ->> '$.record.source',
  c.value ->> '$.record.content.native_id',
  c.value ->> '$.record.lead_id',
  c.value ->> '$.record.via',
  c.value ->> '$.record.received_at',
  c.value ->> '$.record.stored_at',
  c.value ->> '$.record.event_sequence',
  c.value ->> '$.record.fingerprint',
  c.value -> '$.record.content'
FROM jsonb_each(:rows) AS c
WHERE true
ON CONFLICT (source, native_id) DO NOTHING

-- name: change_records
UPDATE records SET
  lead_id = c.value ->> '$.record.lead_id',
  via = c.value ->> '$.record.via',
  received_at = c.value ->> '$.record.received_at',
  stored_at = c.value ->> '$.record.stored_at',
  event_sequence = c.value ->> '$.record.event_sequence',
  fingerprint = c.value ->> '$.record.fingerprint',
  content = c.value -> '$.record.content'
FROM jsonb_each(:rows) AS c
WHERE records.source = c.value ->> '$.record.source'
  AND records.native_id = c.value ->> '$.record.content.native_id'
  AND records.fingerprint = c.value ->> '$.previous'
  AND records.fingerprint <> ''

-- name: add_leads
INSERT INTO leads (id, version, created_at, updated_at, received_at, merged_into, document)
SELECT
  c.value ->> '$.lead.id',
  c.value ->> '$.lead.version',
  c.value ->> '$.lead.created_at',
  c.value ->> '$.lead.updated_at',
  c.value ->> '$.lead.received_at',
  c.value ->> '$.lead.merged_into',
  c.value -> '$.lead.document'
FROM jsonb_each(:rows) AS c
WHERE true
ON CONFLICT (id) DO NOTHING

-- name: keep_documents
INSERT INTO past_documents (lead_id, version, document)
SELECT l.id, l.version, l.document
FROM jsonb_each(:rows) AS c
CROSS JOIN leads AS l ON l.id = c.value ->> '$.lead.id'
WHERE EXISTS (
  SELECT 1 FROM deliveries AS d
  WHERE d.lead_id = l.id AND d.version = l.version AND d.state NOT IN ('superseded', 'cancelled')
    AND (
      d.grain = 'record'
      OR NOT EXISTS (
        SELECT 1 FROM deliveries AS n
        WHERE n.lead_id = d.lead_id AND n.version > d.version AND n.sync = d.sync AND n.grain = 'lead'
      )
    )
)
ON CONFLICT (lead_id, version) DO NOTHING

-- name: change_leads
UPDATE leads SET
  version = c.value ->> '$.lead.version',
  created_at = c.value ->> '$.lead.created_at',
  updated_at = c.value ->> '$.lead.updated_at',
  received_at = c.value ->> '$.lead.received_at',
  merged_into = c.value ->> '$.lead.merged_into',
  document = c.value -> '$.lead.document'
FROM jsonb_each(:rows) AS c
WHERE leads.id = c.value ->> '$.lead.id' AND leads.version = c.value ->> '$.previous_version'

-- name: give_keys
INSERT INTO lead_keys (key, lead_id)
SELECT e.value ->> 0, e.value ->> 1 FROM jsonb_each(:rows) AS e
WHERE true
ON CONFLICT (key) DO UPDATE SET lead_id = excluded.lead_id

-- name: add_words
INSERT INTO lead_words (rowid, words)
SELECT l.number, e.value ->> 1 FROM jsonb_each(:rows) AS e
CROSS JOIN leads AS l ON l.id = e.value ->> 0

-- name: change_words
INSERT OR REPLACE INTO lead_words (rowid, words)
SELECT l.number, e.value ->> 1 FROM jsonb_each(:rows) AS e
CROSS JOIN leads AS l ON l.id = e.value ->> 0
CROSS JOIN lead_words AS w ON w.rowid = l.number
WHERE w.words <> e.value ->> 1

-- name: put_merges
INSERT INTO merges (id, kept, absorbed, reason, merged_at, undone_at)
SELECT
  e.value ->> 'id', e.value ->> 'kept', e.value ->> 'absorbed', e.value ->> 'reason', e.value ->> 'merged_at',
  e.value ->> 'undone_at'
FROM jsonb_each(:rows) AS e
WHERE true
ON CONFLICT (id) DO UPDATE SET
  kept = excluded.kept, absorbed = excluded.absorbed, reason = excluded.reason, merged_at = excluded.merged_at,
  undone_at = excluded.undone_at

-- name: supersede
UPDATE deliveries SET state = 'superseded', updated_at = :now
FROM jsonb_each(:rows) AS e
WHERE deliveries.lead_id = e.value ->> 'lead_id'
  AND deliveries.sync = e.value ->> 'sync'
  AND deliveries.state IN ('pending', 'leased')
  AND deliveries.state = 'pending'
  AND deliveries.grain = 'lead'
  AND e.value ->> 'grain' = 'lead'
  AND NOT EXISTS (SELECT 1 FROM deliveries AS known WHERE known.id = e.value ->> 'id')

-- name: owe
INSERT INTO deliveries (
  id, sync, destination, lead_id, version, grain, record_source, record_native_id, state, owed_at, received_at, not_before,
  updated_at, delivered_at, attempts, epoch, lease_until, owner, uncertain, last_status, reason
)
SELECT
  e.value ->> 'id', e.value ->> 'sync', e.value ->> 'destination', e.value ->> 'lead_id', e.value ->> 'version',
  e.value ->> 'grain', e.value ->> 'record_source', e.value ->> 'record_native_id', e.value ->> 'state',
  e.value ->> 'owed_at', e.value ->> 'received_at', e.value ->> 'not_before', e.value ->> 'updated_at',
  e.value ->> 'delivered_at', e.value ->> 'attempts', e.value ->> 'epoch', e.value ->> 'lease_until', e.value ->> 'owner',
  e.value ->> 'uncertain', e.value ->> 'last_status', e.value ->> 'reason'
FROM jsonb_each(:rows) AS e
WHERE true
ON CONFLICT (id) DO NOTHING

-- name: lanes
SELECT json_group_array(destination) FROM lanes

-- name: add_lanes
INSERT INTO lanes (destination) SELECT value FROM json_each(:rows) WHERE true ON CONFLICT (destination) DO NOTHING

-- name: withdraw
UPDATE deliveries SET state = 'cancelled', reason = e.value ->> 'reason', updated_at = :now
FROM jsonb_each(:rows) AS e
WHERE deliveries.lead_id = e.value ->> 'lead_id'
  AND deliveries.sync = e.value ->> 'sync'
  AND deliveries.state IN ('pending', 'leased')
  AND deliveries.state = 'pending'

-- name: end_events
UPDATE events SET
  state = e.value ->> 'state',
  reason = e.value ->> 'reason',
  attempts = attempts + (e.value ->> 'state' = 'quarantined')
FROM jsonb_each(:rows) AS e
WHERE events.sequence = e.value ->> 'sequence' AND events.state = 'stored'

-- name: owe_fetches
INSERT INTO fetches (
  source, native_id, scope, state, received_at, not_before, occurred_at, attempts, epoch, event_sequence, updated_at, reason,
  context
)
SELECT
  e.value ->> 'source', e.value ->> 'native_id', e.value ->> 'scope', e.value ->> 'state', e.value ->> 'received_at',
  e.value ->> 'not_before', e.value ->> 'occurred_at', e.value ->> 'attempts', e.value ->> 'epoch',
  e.value ->> 'event_sequence', :now, e.value ->> 'reason', e.value -> 'context'
FROM jsonb_each(:rows) AS e
WHERE NOT EXISTS (
  SELECT 1 FROM records AS r WHERE r.source = e.value ->> 'source' AND r.native_id = e.value ->> 'native_id'
)
ON CONFLICT (source, native_id) DO NOTHING

-- name: end_fetches
UPDATE fetches SET
  state = 'done', reason = e.value ->> 'reason', updated_at = :now, lease_until = NULL, owner = NULL
FROM jsonb_each(:rows) AS e
WHERE fetches.source = e.value ->> 'source' AND fetches.native_id = e.value ->> 'native_id'

-- name: move_cursor
INSERT INTO cursors (source, stream, cursor) VALUES (:source, :stream, :cursor)
ON CONFLICT (source, stream) DO UPDATE SET cursor = excluded.cursor

-- name: lead
SELECT json_object(
  'id', id, 'version', version, 'created_at', created_at, 'updated_at', updated_at, 'received_at', received_at,
  'document', json(document), 'merged_into', merged_into
)
FROM leads WHERE id = :lead_id

-- name: records
SELECT json_group_array(
  json_object(
    'sequence', sequence, 'source', source, 'lead_id', lead_id, 'via', via, 'received_at', received_at,
    'stored_at', stored_at, 'content', json(content), 'fingerprint', fingerprint, 'event_sequence', event_sequence
  )
)
FROM (SELECT * FROM records WHERE lead_id = :lead_id AND fingerprint <> '' ORDER BY sequence)

-- name: merges
SELECT json_group_array(
  json_object(
    'id', id, 'kept', kept, 'absorbed', absorbed, 'reason', reason, 'merged_at', merged_at, 'undone_at', undone_at
  )
)
FROM (SELECT * FROM merges WHERE kept = :lead_id OR absorbed = :lead_id ORDER BY merged_at, id)

-- name: page
SELECT json_group_array(
  json_object(
    'id', id, 'version', version, 'created_at', created_at, 'updated_at', updated_at, 'received_at', received_at,
    'document', json(document), 'merged_into', merged_into
  )
)
FROM (SELECT * FROM leads AS l {index} WHERE l.merged_into IS NULL {where} ORDER BY l.id DESC LIMIT :limit)

-- name: count_updated
SELECT count(*) FROM (SELECT 1 FROM leads WHERE merged_into IS NULL AND updated_at >= :since LIMIT :few)

-- name: by_update
INDEXED BY leads_updated

-- name: by_id
INDEXED BY leads_id

-- name: where_after
AND l.id < :after

-- name: where_since
AND l.updated_at >= :since

-- name: count_words
SELECT count(*) FROM (SELECT 1 FROM lead_words WHERE lead_words MATCH :words LIMIT :few)

-- name: count_source
SELECT count(*) FROM (SELECT 1 FROM records WHERE source = :source LIMIT :few)

-- name: where_rare_source
AND l.id IN (SELECT r.lead_id FROM records AS r WHERE r.source = :source AND r.fingerprint <> '')

-- name: where_source
AND EXISTS (
  SELECT 1 FROM records AS r WHERE r.lead_id = l.id AND r.source = :source AND r.fingerprint <> ''
)

-- name: where_text
AND l.number IN (SELECT rowid FROM lead_words WHERE lead_words MATCH :words)

-- name: erased
WITH RECURSIVE family (id) AS (
  SELECT id FROM leads WHERE id = :lead_id
  UNION
  SELECT l.id FROM family AS f JOIN leads AS l ON l.merged_into = f.id WHERE l.merged_into IS NOT NULL
)
SELECT json_group_array(id) FROM family

-- name: erase_events
DELETE FROM events WHERE sequence IN (
  SELECT r.event_sequence FROM records AS r
  WHERE r.lead_id IN (SELECT value FROM json_each(:ids)) AND r.event_sequence IS NOT NULL
)

-- name: erase_contexts
UPDATE fetches SET context = '{}'
WHERE (source, native_id) IN (
  SELECT r.source, r.native_id FROM records AS r WHERE r.lead_id IN (SELECT value FROM json_each(:ids))
)

-- name: erase_records
UPDATE records SET
  fingerprint = '', event_sequence = NULL,
  content = json_object('native_id', native_id, 'kind', content ->> 'kind')
WHERE lead_id IN (SELECT value FROM json_each(:ids))

-- name: erase_keys
DELETE FROM lead_keys WHERE lead_id IN (SELECT value FROM json_each(:ids))

-- name: erase_words
DELETE FROM lead_words WHERE rowid IN (SELECT number FROM leads WHERE id IN (SELECT value FROM json_each(:ids)))

-- name: erase_documents
DELETE FROM past_documents WHERE lead_id IN (SELECT value FROM json_each(:ids))

-- name: erase_deliveries
UPDATE deliveries SET state = 'cancelled', reason = 'the lead was erased', updated_at = :now
WHERE lead_id IN (SELECT value FROM json_each(:ids)) AND state IN ('pending', 'leased') AND state = 'pending'

-- name: erase_leads
DELETE FROM leads WHERE id IN (SELECT value FROM json_each(:ids))

-- name: cursors
SELECT json_group_array(json_object('source', source, 'stream', stream, 'cursor', json(cursor)))
FROM (SELECT * FROM cursors ORDER BY source, stream)
