-- $1 instance, $2 with input and output
SELECT instance_id, name, status, parent_id, created_at, updated_at, completed_at,
       CASE WHEN $2 THEN input END, CASE WHEN $2 THEN output END, custom_status, failure, tags
FROM instances
WHERE instance_id = $1;
