-- $1 pipelines, in any case, or null for all, $2 instance or null, $3 created before or null, $4 how many
SELECT created_at, pipeline, instance, event, channel, target, subject, text, delivered_at, left_out, failure
FROM notifications
WHERE ($1::text[] IS NULL OR lower(pipeline) = ANY (SELECT lower(name) FROM unnest($1) AS name)) AND ($2::text IS NULL OR instance = $2) AND ($3::timestamptz IS NULL OR created_at < $3)
ORDER BY created_at DESC, key DESC
LIMIT $4
