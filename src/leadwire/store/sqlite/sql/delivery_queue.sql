-- The delivery queue. A claim takes one delivery per sync and lead, none of a pair that has one under way.

-- name: pick
WITH
fresh AS MATERIALIZED (
  SELECT d.number, d.sync, d.lead_id
  FROM deliveries AS d
  WHERE d.destination = :destination AND d.state = 'pending' AND d.received_at >= :fresh_since AND d.not_before <= :now
    AND NOT EXISTS (
      SELECT 1 FROM deliveries AS o
      WHERE o.lead_id = d.lead_id AND o.sync = d.sync AND o.state IN ('pending', 'leased')
        AND (
          o.state = 'leased'
          OR (
            o.destination = d.destination AND o.not_before <= :now
            AND (o.received_at, o.id) > (d.received_at, d.id)
          )
        )
    )
  ORDER BY d.received_at DESC, d.id DESC
  LIMIT min(:fresh, :limit)
),
oldest AS MATERIALIZED (
  SELECT d.number
  FROM deliveries AS d
  WHERE d.destination = :destination AND d.state = 'pending' AND d.not_before <= :now
    AND (d.lead_id, d.sync) NOT IN (SELECT f.lead_id, f.sync FROM fresh AS f)
    AND NOT EXISTS (
      SELECT 1 FROM deliveries AS o
      WHERE o.lead_id = d.lead_id AND o.sync = d.sync AND o.state IN ('pending', 'leased')
        AND (
          o.state = 'leased'
          OR (
            o.destination = d.destination AND o.not_before <= :now
            AND (o.not_before, o.owed_at, o.id) < (d.not_before, d.owed_at, d.id)
          )
        )
    )
  ORDER BY d.not_before, d.owed_at, d.id
  LIMIT max(0, :limit - (SELECT count(*) FROM fresh))
),
picked AS (
  SELECT number, 0 AS part FROM fresh
  UNION ALL
  SELECT number, 1 FROM oldest
)
SELECT json_group_array(
    json_object(
      'delivery', json_object(
        'id', d.id, 'sync', d.sync, 'destination', d.destination, 'lead_id', d.lead_id, 'version', d.version,
        'owed_at', d.owed_at, 'received_at', d.received_at, 'not_before', d.not_before, 'updated_at', :now,
        'grain', d.grain, 'record_source', d.record_source, 'record_native_id', d.record_native_id, 'state', 'leased',
        'attempts', d.attempts, 'epoch', d.epoch + 1, 'lease_until', :lease_until, 'owner', :owner,
        'uncertain', json(iif(d.uncertain, 'true', 'false')), 'reason', d.reason, 'last_status', d.last_status,
        'delivered_at', d.delivered_at
      ),
      'document', json(d.document),
      'is_first', json(iif(d.is_first, 'true', 'false'))
    )
  ),
  json_group_array(d.number)
FROM (
  SELECT
    d.*,
    coalesce(
      (SELECT p.document FROM past_documents AS p WHERE p.lead_id = d.lead_id AND p.version = d.version),
      (SELECT l.document FROM leads AS l WHERE l.id = d.lead_id)
    ) AS document,
    NOT EXISTS (
      SELECT 1 FROM deliveries AS o
      WHERE o.lead_id = d.lead_id AND o.sync = d.sync AND o.delivered_at IS NOT NULL
    ) AS is_first
  FROM picked AS p CROSS JOIN deliveries AS d ON d.number = p.number
  ORDER BY
    p.part, iif(p.part = 0, -d.received_at, d.not_before), iif(p.part = 0, 0, d.owed_at), iif(p.part = 0, '', d.id), d.id DESC
) AS d

-- name: lease
UPDATE deliveries SET
  state = 'leased', epoch = epoch + 1, lease_until = :lease_until, owner = :owner, updated_at = :now
WHERE number IN (SELECT value FROM json_each(:numbers))

-- name: refused
SELECT json_group_array(e.value ->> 'delivery_id')
FROM jsonb_each(:rows) AS e
LEFT JOIN deliveries AS d
  ON d.id = e.value ->> 'delivery_id' AND d.epoch = e.value ->> 'epoch' AND d.state = 'leased'
WHERE d.number IS NULL

-- name: note_attempts
INSERT INTO attempts (delivery_id, epoch, number, started_at, duration_us, outcome, status, detail)
SELECT
  d.id, d.epoch, e.value ->> '$.attempt.number', e.value ->> '$.attempt.started_at',
  e.value ->> '$.attempt.duration_us', e.value ->> '$.attempt.outcome', e.value ->> '$.attempt.status',
  e.value ->> '$.attempt.detail'
FROM jsonb_each(:rows) AS e
CROSS JOIN deliveries AS d ON d.id = e.value ->> 'delivery_id' AND d.epoch = e.value ->> 'epoch' AND d.state = 'leased'
WHERE e.value ->> 'attempt' IS NOT NULL

-- name: settle
UPDATE deliveries SET
  state = e.value ->> 'state',
  not_before = e.value ->> 'not_before',
  uncertain = e.value ->> 'uncertain',
  reason = e.value ->> 'reason',
  attempts = attempts + (e.value ->> 'attempt' IS NOT NULL),
  last_status = iif(e.value ->> 'attempt' IS NULL, last_status, e.value ->> '$.attempt.status'),
  delivered_at = iif(e.value ->> 'state' = 'delivered', :now, delivered_at),
  lease_until = NULL,
  owner = NULL,
  updated_at = :now
FROM jsonb_each(:rows) AS e
WHERE deliveries.id = e.value ->> 'delivery_id'
  AND deliveries.epoch = e.value ->> 'epoch'
  AND deliveries.state = 'leased'

-- name: end_needless
UPDATE deliveries SET
  state = iif(EXISTS (SELECT 1 FROM leads AS l WHERE l.id = deliveries.lead_id), 'superseded', 'cancelled'),
  reason = iif(EXISTS (SELECT 1 FROM leads AS l WHERE l.id = deliveries.lead_id), reason, 'the lead was erased')
WHERE id IN (SELECT value FROM json_each(:ids)) AND state = 'pending'
  AND (
    NOT EXISTS (SELECT 1 FROM leads AS l WHERE l.id = deliveries.lead_id)
    OR (
      grain = 'lead'
      AND EXISTS (
        SELECT 1 FROM deliveries AS n
        WHERE n.lead_id = deliveries.lead_id AND n.version > deliveries.version AND n.sync = deliveries.sync
          AND n.grain = 'lead' AND n.state IN ('pending', 'leased', 'delivered')
      )
    )
  )

-- name: note_lanes
UPDATE lanes SET last_delivered_at = :now
WHERE coalesce(last_delivered_at, 0) < :now AND destination IN (
  SELECT d.destination FROM json_each(:ids) AS i CROSS JOIN deliveries AS d ON d.id = i.value WHERE d.state = 'delivered' AND d.delivered_at = :now
)

-- name: lost
SELECT json_group_array(id) FROM deliveries WHERE state = 'leased' AND (:owner_is_alone OR lease_until <= :now)

-- name: note_lost
INSERT INTO attempts (delivery_id, epoch, number, started_at, duration_us, outcome, detail)
SELECT id, epoch, attempts + 1, updated_at, max(:now - updated_at, 0), 'unknown', :reason
FROM deliveries WHERE id IN (SELECT value FROM json_each(:ids))

-- name: take_back
UPDATE deliveries SET
  state = 'pending', not_before = :now, uncertain = 1, attempts = attempts + 1, last_status = NULL, reason = :reason,
  lease_until = NULL, owner = NULL, updated_at = :now
WHERE id IN (SELECT value FROM json_each(:ids))

-- name: hasten
UPDATE deliveries SET not_before = :now, updated_at = :now
WHERE destination = :destination AND state = 'pending' AND not_before > :now

-- name: next_due
SELECT min(not_before) FROM deliveries WHERE destination = :destination AND state = 'pending'
