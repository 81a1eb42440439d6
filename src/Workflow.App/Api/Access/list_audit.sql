-- A page, newest first. Null matches all. $1 pipeline, $2 instance, $3 since, $4 only before this entry, $5 at most
SELECT entry, at, caller, role, address, action, request, pipeline, instance, outcome, status, ended_at
FROM audit
WHERE ($1::text IS NULL OR lower(pipeline) = lower($1))
  AND ($2::text IS NULL OR instance = $2)
  AND ($3::timestamptz IS NULL OR at >= $3)
  AND ($4::bigint IS NULL OR entry < $4)
ORDER BY entry DESC
LIMIT $5
