-- $1 entry, $2 now, $3 outcome, $4 status, $5 pipeline, $6 instance
UPDATE audit SET ended_at = $2, outcome = $3, status = $4, pipeline = coalesce(pipeline, $5), instance = coalesce(instance, $6) WHERE entry = $1
