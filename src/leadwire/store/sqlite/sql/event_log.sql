-- The event log. `rows` of append: [[source, received_at, where the event's bytes start, then the lengths of dedup key, head, query
-- and body], …]; `bytes` are all events' bytes in a row.

-- name: last_sequence
SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'events'

-- name: append
INSERT INTO events (sequence, source, dedup_key, received_at, stored_at, head, query, body)
SELECT
  :base + e.key + 1,
  e.value ->> 0,
  substr(:bytes, e.value ->> 2, e.value ->> 3),
  e.value ->> 1,
  :now,
  substr(:bytes, (e.value ->> 2) + (e.value ->> 3), e.value ->> 4),
  substr(:bytes, (e.value ->> 2) + (e.value ->> 3) + (e.value ->> 4), e.value ->> 5),
  substr(:bytes, (e.value ->> 2) + (e.value ->> 3) + (e.value ->> 4) + (e.value ->> 5), e.value ->> 6)
FROM jsonb_each(:rows) AS e
WHERE true
ON CONFLICT (source, dedup_key) DO NOTHING

-- name: appended
SELECT json_group_array(sequence) FROM events WHERE sequence > :base AND sequence <= :last

-- name: unresolved
SELECT
  json_group_array(
    json_array(sequence, source, state, received_at, stored_at, attempts, reason, length(head), length(query), length(body))
  ),
  CAST(group_concat(head || query || body, '') AS BLOB)
FROM (
  SELECT * FROM events
  WHERE state <> 'resolved' AND state = 'stored' AND sequence <= (
    SELECT max(sequence)
    FROM (
      SELECT sequence, sum(bytes) OVER (ORDER BY sequence) - bytes AS bytes_before
      FROM (
        SELECT sequence, length(body) AS bytes FROM events
        WHERE state <> 'resolved' AND state = 'stored' ORDER BY sequence LIMIT :limit
      )
    )
    WHERE bytes_before < :bytes_max
  )
  ORDER BY sequence
)

-- name: find
SELECT
  json_array(
    json_array(sequence, source, state, received_at, stored_at, attempts, reason, length(head), length(query), length(body))
  ),
  CAST(head || query || body AS BLOB)
FROM events WHERE sequence = :sequence

-- name: page
SELECT
  json_group_array(
    json_array(sequence, source, state, received_at, stored_at, attempts, reason, length(head), length(query), length(body))
  ),
  CAST(group_concat(head || query || body, '') AS BLOB)
FROM (SELECT * FROM events WHERE true {where} ORDER BY sequence DESC LIMIT :limit)

-- name: where_after
AND sequence < :after

-- name: where_stored
AND state <> 'resolved' AND state = 'stored'

-- name: where_quarantined
AND state <> 'resolved' AND state = 'quarantined'

-- name: where_resolved
AND state = 'resolved'

-- name: requeue
UPDATE events SET state = 'stored', reason = NULL
WHERE sequence IN (SELECT value FROM json_each(:sequences)) AND state = 'quarantined'

-- name: tally
SELECT json_group_array(
  json_object(
    'source', s.source,
    'last_event_at', s.last_event_at,
    'unresolved', coalesce(w.unresolved, 0),
    'oldest_unresolved_at', w.oldest_unresolved_at,
    'quarantined', coalesce(w.quarantined, 0)
  )
)
FROM event_sources AS s
LEFT JOIN (
  SELECT
    source,
    sum(state = 'stored') AS unresolved,
    min(iif(state = 'stored', received_at, NULL)) AS oldest_unresolved_at,
    sum(state = 'quarantined') AS quarantined
  FROM events INDEXED BY events_waiting WHERE state <> 'resolved' GROUP BY source
) AS w ON w.source = s.source

-- name: prune
DELETE FROM events WHERE sequence IN (
  SELECT sequence FROM events WHERE state = 'resolved' AND received_at < :before ORDER BY received_at LIMIT :limit
)
