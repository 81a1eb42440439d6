-- Instances by id, in the order asked, with nulls for those there are not. $1 ids, $2 with input and output
SELECT instances.instance_id, name, status, parent_id, created_at, updated_at, completed_at,
       CASE WHEN full_row THEN input END, CASE WHEN full_row THEN output END, custom_status, failure, tags
FROM unnest($1::text[], $2::boolean[]) WITH ORDINALITY AS asked (instance_id, full_row, position)
LEFT JOIN instances USING (instance_id)
ORDER BY position;
