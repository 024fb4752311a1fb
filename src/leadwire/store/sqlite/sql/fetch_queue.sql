-- The fetch queue.

-- name: pick
SELECT
  json_group_array(
    json_object(
      'source', source, 'native_id', native_id, 'scope', scope, 'received_at', received_at, 'not_before', not_before,
      'occurred_at', occurred_at, 'context', json(context), 'state', 'leased', 'attempts', attempts, 'epoch', epoch + 1,
      'event_sequence', event_sequence, 'reason', reason, 'updated_at', :now
    )
  ),
  json_group_array(number)
FROM (
  SELECT * FROM fetches INDEXED BY fetches_due
  WHERE source = :source AND state = 'pending' AND not_before <= :now
    AND scope NOT IN (SELECT value FROM json_each(:paused_scopes))
  ORDER BY received_at, native_id
  LIMIT :limit
)

-- name: lease
UPDATE fetches SET
  state = 'leased', epoch = epoch + 1, lease_until = :lease_until, owner = :owner, updated_at = :now
WHERE number IN (SELECT value FROM json_each(:numbers))

-- name: settle
UPDATE fetches SET
  state = e.value ->> 'state',
  not_before = e.value ->> 'not_before',
  reason = e.value ->> 'reason',
  attempts = attempts + (e.value ->> 'counts'),
  lease_until = NULL,
  owner = NULL,
  updated_at = :now
FROM jsonb_each(:rows) AS e
WHERE fetches.source = e.value ->> 'source'
  AND fetches.native_id = e.value ->> 'native_id'
  AND fetches.epoch = e.value ->> 'epoch'
  AND fetches.state = 'leased'

-- name: rescue
UPDATE fetches SET state = 'pending', not_before = :now, lease_until = NULL, owner = NULL, updated_at = :now
WHERE state = 'leased' AND (:owner_is_alone OR lease_until <= :now)

-- name: requeue
UPDATE fetches SET state = 'pending', not_before = :now, updated_at = :now
WHERE source = :source AND state = 'parked'
  AND (native_id IN (SELECT value FROM json_each(:native_ids)) OR scope IN (SELECT value FROM json_each(:scopes)))

-- name: hasten
UPDATE fetches SET not_before = :now, updated_at = :now
WHERE source = :source AND state = 'pending' AND not_before > :now
  AND (scope IN (SELECT value FROM json_each(:scopes)) OR '*' IN (SELECT value FROM json_each(:scopes)))

-- name: page
SELECT json_group_array(
  json_object(
    'source', source, 'native_id', native_id, 'scope', scope, 'received_at', received_at, 'not_before', not_before,
    'occurred_at', occurred_at, 'context', json(context), 'state', state, 'attempts', attempts, 'epoch', epoch,
    'event_sequence', event_sequence, 'reason', reason, 'updated_at', updated_at
  )
)
FROM (
  SELECT * FROM fetches {index} WHERE true {where} ORDER BY received_at DESC, source DESC, native_id DESC LIMIT :limit
)

-- name: by_pending
INDEXED BY fetches_due

-- name: by_leased
INDEXED BY fetches_leased

-- name: by_parked
INDEXED BY fetches_parked

-- name: by_age
INDEXED BY fetches_age

-- name: where_after
AND (received_at, source, native_id) < (
  SELECT last.received_at, last.source, last.native_id FROM fetches AS last
  WHERE last.source = :after_source AND last.native_id = :after_native_id
)

-- name: where_source
AND source = :source

-- name: where_pending
AND state = 'pending'

-- name: where_leased
AND state = 'leased'

-- name: where_parked
AND state = 'parked'

-- name: where_done
AND state = 'done'

-- name: next_due
SELECT min(not_before) FROM fetches WHERE source = :source AND state = 'pending'

-- name: tally
WITH RECURSIVE sources (source) AS (
  SELECT min(source) FROM fetches
  UNION ALL
  SELECT (SELECT min(f.source) FROM fetches AS f WHERE f.source > s.source) FROM sources AS s WHERE s.source IS NOT NULL
)
SELECT json_group_array(
  json_object(
    'source', s.source,
    'due',
    (SELECT count(*) FROM fetches AS f WHERE f.source = s.source AND f.state = 'pending')
      + (SELECT count(*) FROM fetches AS f WHERE f.source = s.source AND f.state = 'leased'),
    'oldest_due_at', (
      SELECT min(o.received_at) FROM (
        SELECT min(f.received_at) AS received_at FROM fetches AS f WHERE f.source = s.source AND f.state = 'pending'
        UNION ALL
        SELECT min(f.received_at) FROM fetches AS f WHERE f.source = s.source AND f.state = 'leased'
      ) AS o
    ),
    'parked', (SELECT count(*) FROM fetches AS f WHERE f.source = s.source AND f.state = 'parked')
  )
)
FROM sources AS s WHERE s.source IS NOT NULL
