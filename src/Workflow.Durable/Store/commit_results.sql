-- Results for instances in other hands travel as messages. Only the lease that holds an activity can answer for it.
-- $1 lease, $2 instances, $3 tasks, $4 executions, $5 events, $6 now
WITH done AS (
    DELETE FROM activities
    USING unnest($2::text[], $3::integer[], $4::uuid[], $5::bytea[]) AS done (instance_id, task_id, execution_id, event)
    WHERE activities.instance_id = done.instance_id AND activities.task_id = done.task_id
      AND activities.execution_id = done.execution_id AND activities.lease = $1
    RETURNING done.instance_id, done.execution_id, done.event
), alive AS (
    UPDATE instances
    SET ready_at = LEAST(ready_at, $6)
    FROM (SELECT DISTINCT instance_id FROM done) due
    WHERE instances.instance_id = due.instance_id AND completed_at IS NULL
    RETURNING instances.instance_id, instances.execution_id
)
INSERT INTO messages (instance_id, execution_id, visible_at, event)
SELECT instance_id, execution_id, $6, event FROM done JOIN alive USING (instance_id, execution_id);
