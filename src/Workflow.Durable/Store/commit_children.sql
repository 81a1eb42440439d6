-- Starts sub-orchestrations; where the id is in use, the parent gets the refusal instead, if there is one.
-- $1 ids, $2 executions, $3 names, $4 parents, $5 inputs, $6 start events, $7 parents' executions, $8 refusals, $9 now
WITH asked AS (
    SELECT * FROM unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::bytea[], $7::uuid[], $8::bytea[])
        AS asked (instance_id, execution_id, name, parent_id, input, started, parent_execution_id, refusal)
), answered AS (
    SELECT parent_id, parent_execution_id, refusal,
           create_instance(instance_id, execution_id, name, NULL, parent_id, input, NULL, started, $9, $9,
                           ARRAY['Pending', 'Running', 'Suspended']) AS existing
    FROM asked
)
INSERT INTO messages (instance_id, execution_id, visible_at, event)
SELECT parent_id, parent_execution_id, $9, refusal FROM answered WHERE existing IS NOT NULL AND refusal IS NOT NULL;
