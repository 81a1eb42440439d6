-- Starts instances, each as create_instance says; answers in their order.
-- $1 ids, $2 executions, $3 names, $4 versions, $5 inputs, $6 tags, $7 start events, $8 now, $9 start at, $10 statuses that keep the id, comma-separated
SELECT create_instance(instance_id, execution_id, name, version, NULL, input, tags::jsonb, started, $8, start_at, string_to_array(dedupe, ','))
FROM unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bytea[], $9::timestamptz[], $10::text[])
    WITH ORDINALITY AS asked (instance_id, execution_id, name, version, input, tags, started, start_at, dedupe, position)
ORDER BY position;
