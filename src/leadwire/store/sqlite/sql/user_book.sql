-- Users and their sessions.

-- name: add_user
INSERT INTO users (name, role, created_at, password_hash, disabled_at)
VALUES (:name, :role, :created_at, :password_hash, :disabled_at)
ON CONFLICT (name) DO NOTHING

-- name: change_user
UPDATE users SET role = :role, created_at = :created_at, password_hash = :password_hash, disabled_at = :disabled_at
WHERE name = :name

-- name: end_sessions
DELETE FROM sessions WHERE user = :name

-- name: users
SELECT json_group_array(
  json_object(
    'name', name, 'role', role, 'created_at', created_at, 'password_hash', password_hash, 'disabled_at', disabled_at
  )
)
FROM (SELECT * FROM users ORDER BY name)

-- name: open_session
INSERT INTO sessions (digest, user, created_at, seen_at) VALUES (:digest, :user, :created_at, :seen_at)
ON CONFLICT (digest) DO UPDATE SET
  user = excluded.user, created_at = excluded.created_at, seen_at = excluded.seen_at

-- name: session
SELECT json_array(
  json_object('digest', s.digest, 'user', s.user, 'created_at', s.created_at, 'seen_at', s.seen_at),
  json_object(
    'name', u.name, 'role', u.role, 'created_at', u.created_at, 'password_hash', u.password_hash,
    'disabled_at', u.disabled_at
  )
)
FROM sessions AS s JOIN users AS u ON u.name = s.user
WHERE s.digest = :digest AND u.disabled_at IS NULL

-- name: touch_session
UPDATE sessions SET seen_at = :now WHERE digest = :digest

-- name: close_session
DELETE FROM sessions WHERE digest = :digest

-- name: prune_sessions
DELETE FROM sessions WHERE seen_at < :seen_before OR created_at < :created_before
