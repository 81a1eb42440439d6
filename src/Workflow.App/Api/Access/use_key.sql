-- At most once a minute, over all hosts. $1 id, $2 now
UPDATE api_keys SET last_used_at = $2 WHERE key_id = $1 AND (last_used_at IS NULL OR last_used_at < $2 - interval '1 minute')
