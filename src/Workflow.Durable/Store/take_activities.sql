-- Takes activities that wait for a hand. $1 lease, $2 how many at most.
WITH free AS (
    SELECT instance_id, execution_id, task_id
    FROM activities
    WHERE lease IS NULL
    ORDER BY queued
    LIMIT $2
    FOR UPDATE SKIP LOCKED
)
UPDATE activities
SET lease = $1, deliveries = deliveries + 1
FROM free
WHERE activities.instance_id = free.instance_id AND activities.execution_id = free.execution_id AND activities.task_id = free.task_id
  AND EXISTS (SELECT FROM leases WHERE leases.lease = $1 AND expires_at > clock_timestamp())
RETURNING activities.instance_id, activities.task_id, activities.execution_id, deliveries, event;
