-- API tokens and one-time codes.

-- name: add_token
INSERT INTO tokens (id, digest, scopes, name, created_at, expires_at, revoked_at, last_used_at)
VALUES (:id, :digest, :scopes, :name, :created_at, :expires_at, :revoked_at, :last_used_at)

-- name: token
SELECT json_object(
  'id', id, 'digest', digest, 'scopes', json(scopes), 'name', name, 'created_at', created_at, 'expires_at', expires_at,
  'revoked_at', revoked_at, 'last_used_at', last_used_at
)
FROM tokens WHERE digest = :digest

-- name: tokens
SELECT json_group_array(
  json_object(
    'id', id, 'digest', digest, 'scopes', json(scopes), 'name', name, 'created_at', created_at, 'expires_at', expires_at,
    'revoked_at', revoked_at, 'last_used_at', last_used_at
  )
)
FROM (SELECT * FROM tokens ORDER BY created_at DESC, id DESC)

-- name: revoke_token
UPDATE tokens SET revoked_at = :now WHERE id = :token_id AND revoked_at IS NULL

-- name: note_token_use
UPDATE tokens SET last_used_at = :now WHERE id = :token_id

-- name: add_code
INSERT INTO codes (digest, user, expires_at) VALUES (:digest, :user, :expires_at)
ON CONFLICT (digest) DO UPDATE SET user = excluded.user, expires_at = excluded.expires_at

-- name: good_code
SELECT user FROM codes WHERE digest = :digest AND expires_at > :now

-- name: spend_code
DELETE FROM codes WHERE digest = :digest
