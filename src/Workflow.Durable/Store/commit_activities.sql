-- New work: in this host's hands where a lease is given, for anybody where it is null.
-- $1 instances, $2 tasks, $3 executions, $4 leases, $5 events
INSERT INTO activities (instance_id, task_id, execution_id, lease, deliveries, event)
SELECT instance_id, task_id, execution_id, lease, CASE WHEN lease IS NULL THEN 0 ELSE 1 END, event
FROM unnest($1::text[], $2::integer[], $3::uuid[], $4::bigint[], $5::bytea[])
    AS asked (instance_id, task_id, execution_id, lease, event);
