-- Takes instances that have something due and are in nobody's hand. $1 lease, $2 now, $3 how many at most.
WITH ready AS (
    SELECT instance_id
    FROM instances
    WHERE lease IS NULL AND ready_at <= $2
    ORDER BY ready_at
    LIMIT $3
    FOR UPDATE SKIP LOCKED
)
UPDATE instances
SET lease = $1
FROM ready
WHERE instances.instance_id = ready.instance_id
  AND EXISTS (SELECT FROM leases WHERE leases.lease = $1 AND expires_at > clock_timestamp())
RETURNING instances.instance_id, execution_id, turn;
