-- $1 key, $2 channel, $3 target, $4 failure or null
UPDATE notifications
SET delivered_at = CASE WHEN $4::text IS NULL THEN now() END, failure = $4
WHERE key = $1 AND channel = $2 AND target = $3
