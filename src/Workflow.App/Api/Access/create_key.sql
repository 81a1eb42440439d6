-- A key that is there stays as it is: one that was revoked is not given back.
-- $1 id, $2 name, $3 role, $4 pipelines, $5 hash, $6 now, $7 expires
INSERT INTO api_keys (key_id, name, role, pipelines, secret_sha256, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (key_id) DO NOTHING
