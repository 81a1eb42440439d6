-- Messages for instances that have not ended; those for an execution that is over are dropped.
-- $1 instances, $2 executions, $3 carried over, $4 visible at, $5 events
WITH sent AS (
    SELECT * FROM unnest($1::text[], $2::uuid[], $3::boolean[], $4::timestamptz[], $5::bytea[])
        WITH ORDINALITY AS sent (instance_id, execution_id, carried, visible_at, event, position)
), due AS (
    SELECT instance_id, min(visible_at) AS visible_at FROM sent GROUP BY instance_id
), alive AS (
    UPDATE instances
    SET ready_at = LEAST(ready_at, due.visible_at)
    FROM due
    WHERE instances.instance_id = due.instance_id AND completed_at IS NULL
    RETURNING instances.instance_id, execution_id
)
INSERT INTO messages (instance_id, execution_id, carried, visible_at, event)
SELECT sent.instance_id, sent.execution_id, sent.carried, sent.visible_at, sent.event
FROM sent
JOIN alive ON alive.instance_id = sent.instance_id AND (sent.execution_id IS NULL OR sent.execution_id = alive.execution_id)
ORDER BY sent.position;
