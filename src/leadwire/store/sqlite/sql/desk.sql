-- The sales desk.

-- name: page
SELECT json_group_array(
  json_object(
    'lead', json_object(
      'id', id, 'version', version, 'created_at', created_at, 'updated_at', updated_at, 'received_at', received_at,
      'document', json(document), 'merged_into', merged_into
    ),
    'state', desk_state, 'claimed_by', claimed_by, 'claimed_at', claimed_at, 'opened_at', opened_at,
    'first_touch_at', first_touch_at
  )
)
FROM (
  SELECT * FROM leads AS l {index} WHERE l.merged_into IS NULL {where} ORDER BY l.received_at DESC, l.id DESC LIMIT :limit
)

-- name: by_place
INDEXED BY leads_place

-- name: by_state
INDEXED BY leads_worked

-- name: where_before
AND (l.received_at, l.id) < (:received_at, :id)

-- name: where_new
AND l.desk_state = 'new'

-- name: where_claimed
AND l.desk_state <> 'new' AND l.desk_state = 'claimed'

-- name: where_contacted
AND l.desk_state <> 'new' AND l.desk_state = 'contacted'

-- name: where_claimed_by
AND l.desk_state <> 'new' AND l.claimed_by = :claimed_by

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

-- name: entries
SELECT json_group_array(
  json_object(
    'lead', json_object(
      'id', l.id, 'version', l.version, 'created_at', l.created_at, 'updated_at', l.updated_at,
      'received_at', l.received_at, 'document', json(l.document), 'merged_into', l.merged_into
    ),
    'state', l.desk_state, 'claimed_by', l.claimed_by, 'claimed_at', l.claimed_at, 'opened_at', l.opened_at,
    'first_touch_at', l.first_touch_at
  )
)
FROM json_each(:ids) AS i CROSS JOIN leads AS l ON l.id = i.value

-- name: claim
UPDATE leads SET
  desk_state = 'claimed', claimed_by = :user, claimed_at = coalesce(claimed_at, :now),
  first_touch_at = coalesce(first_touch_at, :now)
WHERE id = :lead_id AND merged_into IS NULL AND desk_state = 'new'

-- name: release
UPDATE leads SET desk_state = 'new', claimed_by = NULL, claimed_at = NULL WHERE id = :lead_id AND claimed_by = :user

-- name: contact
UPDATE leads SET
  desk_state = 'contacted', claimed_by = :user, claimed_at = coalesce(claimed_at, :now),
  first_touch_at = coalesce(first_touch_at, :now)
WHERE id = :lead_id AND merged_into IS NULL AND (claimed_by IS NULL OR claimed_by = :user)

-- name: open
UPDATE leads SET opened_at = :now WHERE id = :lead_id AND opened_at IS NULL

-- name: counts
SELECT json_group_object(state, leads) FROM desk_counts
