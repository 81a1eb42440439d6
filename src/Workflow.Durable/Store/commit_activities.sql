-- New work: in this host's hands where a lease is given, for anybody where it is null.
-- $1 instances, $2 tasks, $3 executions, $4 leases, $5 which delivery comes next, $6 events
INSERT INTO activities (instance_id, task_id, execution_id, lease, deliveries, event)
SELECT instance_id, task_id, execution_id, lease, CASE WHEN lease IS NULL THEN delivery - 1 ELSE delivery END, event
FROM unnest($1::text[], $2::integer[], $3::uuid[], $4::bigint[], $5::integer[], $6::bytea[])
    AS asked (instance_id, task_id, execution_id, lease, delivery, event);
