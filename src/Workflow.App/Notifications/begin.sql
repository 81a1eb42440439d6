-- $1 key, $2 channel, $3 target, $4 pipeline, $5 instance, $6 event, $7 subject, $8 text, $9 most in the window or null, $10 the window
-- Writes a message down before it is sent. One row comes back: whether it was delivered before, whether it is one too many, and how many
-- were left out since the last one that was not. The clock is read under the lock: a transaction may have begun before one that went first.
WITH latest AS (
    SELECT count(*) FILTER (WHERE NOT left_out) AS let_through
    FROM notifications
    WHERE pipeline = $4 AND channel = $2 AND target = $3 AND created_at > clock_timestamp() - $10 AND key <> $1
),
silent AS (
    SELECT count(*) AS messages
    FROM notifications
    WHERE pipeline = $4 AND channel = $2 AND target = $3 AND left_out AND key <> $1
      AND created_at > coalesce((SELECT max(created_at) FROM notifications WHERE pipeline = $4 AND channel = $2 AND target = $3 AND NOT left_out AND key <> $1), '-infinity')
),
written AS (
    INSERT INTO notifications (key, channel, target, pipeline, instance, event, subject, text, left_out, created_at)
    SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9 IS NOT NULL AND latest.let_through >= $9, clock_timestamp() FROM latest
    ON CONFLICT (key, channel, target) DO UPDATE SET failure = NULL
    RETURNING delivered_at IS NOT NULL AS delivered, left_out
)
SELECT written.delivered, written.left_out, silent.messages FROM written, silent
