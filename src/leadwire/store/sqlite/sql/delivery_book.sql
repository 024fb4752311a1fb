-- What people ask of deliveries.

-- name: page
SELECT json_group_array(
  json_object(
    'id', id, 'sync', sync, 'destination', destination, 'lead_id', lead_id, 'version', version, 'owed_at', owed_at,
    'received_at', received_at, 'not_before', not_before, 'updated_at', updated_at, 'grain', grain,
    'record_source', record_source, 'record_native_id', record_native_id, 'state', state, 'attempts', attempts,
    'epoch', epoch, 'lease_until', lease_until, 'owner', owner, 'uncertain', json(iif(uncertain, 'true', 'false')),
    'reason', reason, 'last_status', last_status, 'delivered_at', delivered_at
  )
)
FROM (SELECT * FROM deliveries AS d {index} WHERE true {where} ORDER BY owed_at DESC, id DESC LIMIT :limit)

-- name: by_pending
INDEXED BY deliveries_fresh

-- name: by_leased
INDEXED BY deliveries_leased

-- name: by_ended
INDEXED BY deliveries_ended

-- name: where_after
AND (d.owed_at, d.id) < (SELECT last.owed_at, last.id FROM deliveries AS last WHERE last.id = :after)

-- name: where_ids
AND d.id IN (SELECT value FROM json_each(:ids))

-- name: where_destination
AND d.destination = :destination

-- name: where_sync
AND d.sync = :sync

-- name: where_lead_id
AND d.lead_id = :lead_id

-- name: where_pending
AND d.state = 'pending'

-- name: where_leased
AND d.state = 'leased'

-- name: where_delivered
AND d.state = 'delivered'

-- name: where_dead
AND d.state = 'dead'

-- name: where_superseded
AND d.state IN ('superseded', 'cancelled') AND d.state = 'superseded'

-- name: where_cancelled
AND d.state IN ('superseded', 'cancelled') AND d.state = 'cancelled'

-- name: attempts
SELECT json_group_array(
  json_object(
    'delivery_id', a.delivery_id, 'number', a.number, 'started_at', a.started_at, 'duration_us', a.duration_us,
    'outcome', a.outcome, 'status', a.status, 'detail', a.detail
  )
)
FROM (
  SELECT a.* FROM json_each(:ids) AS i CROSS JOIN attempts AS a ON a.delivery_id = i.value ORDER BY i.key, a.epoch
) AS a

-- name: replayable
SELECT
  json_group_array(number) FILTER (WHERE NOT is_overtaken),
  json_group_array(number) FILTER (WHERE is_overtaken AND state = 'dead'),
  coalesce(sum(NOT is_overtaken), 0)
FROM (
  SELECT
    d.number,
    d.state,
    d.grain = 'lead' AND EXISTS (
      SELECT 1 FROM deliveries AS n
      WHERE n.lead_id = d.lead_id AND n.version > d.version AND n.sync = d.sync AND n.grain = 'lead'
    ) AS is_overtaken
  FROM deliveries AS d
  WHERE EXISTS (SELECT 1 FROM leads AS l WHERE l.id = d.lead_id) {where}
)

-- name: where_ended
AND d.state IN ('dead', 'delivered')

-- name: replay
UPDATE deliveries SET state = 'pending', not_before = :now, attempts = 0, updated_at = :now
WHERE number IN (SELECT value FROM json_each(:numbers))

-- name: supersede
UPDATE deliveries SET state = 'superseded', updated_at = :now WHERE number IN (SELECT value FROM json_each(:numbers))

-- name: drop
UPDATE deliveries AS d SET state = 'cancelled', reason = :reason, updated_at = :now WHERE true {where}

-- name: tally
SELECT json_group_array(
  json_object(
    'destination', l.destination,
    'due',
    (SELECT count(*) FROM deliveries AS d WHERE d.destination = l.destination AND d.state = 'pending')
      + (SELECT count(*) FROM deliveries AS d WHERE d.destination = l.destination AND d.state = 'leased'),
    'oldest_due_at', (
      SELECT min(o.owed_at) FROM (
        SELECT min(d.owed_at) AS owed_at FROM deliveries AS d
        WHERE d.destination = l.destination AND d.state = 'pending'
        UNION ALL
        SELECT min(d.owed_at) FROM deliveries AS d WHERE d.destination = l.destination AND d.state = 'leased'
      ) AS o
    ),
    'dead', coalesce(k.dead, 0),
    'last_delivered_at', l.last_delivered_at
  )
)
FROM lanes AS l
LEFT JOIN (SELECT destination, count(*) AS dead FROM deliveries WHERE state = 'dead' GROUP BY destination) AS k
  ON k.destination = l.destination

-- name: prunable
SELECT json_group_array(number), json_group_array(id), count(*)
FROM (
  SELECT number, id FROM deliveries
  WHERE state IN ('superseded', 'cancelled') AND updated_at < :before
  ORDER BY updated_at, id LIMIT :limit
)

-- name: prune_attempts
DELETE FROM attempts WHERE delivery_id IN (SELECT value FROM json_each(:ids))

-- name: prune_documents
DELETE FROM past_documents WHERE (lead_id, version) IN (
  SELECT p.lead_id, p.version
  FROM json_each(:numbers) AS i
  CROSS JOIN deliveries AS d ON d.number = i.value
  CROSS JOIN past_documents AS p ON p.lead_id = d.lead_id AND p.version = d.version
  WHERE NOT EXISTS (
    SELECT 1 FROM deliveries AS o
    WHERE o.lead_id = p.lead_id AND o.version = p.version AND o.state NOT IN ('superseded', 'cancelled')
  )
)

-- name: prune
DELETE FROM deliveries WHERE number IN (SELECT value FROM json_each(:numbers))
