-- The pause book.

-- name: pause
INSERT INTO pauses (subject, cause, reason, paused_at, until) VALUES (:subject, :cause, :reason, :paused_at, :until)
ON CONFLICT (subject) DO UPDATE SET
  cause = excluded.cause, reason = excluded.reason, paused_at = excluded.paused_at, until = excluded.until
WHERE pauses.cause <> 'manual' OR excluded.cause = 'manual'

-- name: resume
DELETE FROM pauses WHERE subject = :subject

-- name: pauses
SELECT json_group_array(
  json_object('subject', subject, 'cause', cause, 'reason', reason, 'paused_at', paused_at, 'until', until)
)
FROM (SELECT * FROM pauses ORDER BY subject)
