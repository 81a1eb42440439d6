-- Results that a turn has taken in: the work is over. $1 instances, $2 executions, $3 tasks
DELETE FROM activities
USING unnest($1::text[], $2::uuid[], $3::integer[]) AS done (instance_id, execution_id, task_id)
WHERE activities.instance_id = done.instance_id AND activities.execution_id = done.execution_id AND activities.task_id = done.task_id;
