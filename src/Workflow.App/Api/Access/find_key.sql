-- $1 id
SELECT secret_sha256, name, role, pipelines, expires_at, revoked_at, last_used_at FROM api_keys WHERE key_id = $1
