-- A page of instances, newest first. Null filters match all.
-- $1 with input and output, $2 created from, $3 created before, $4 statuses, $5 name, $6 id prefix, $7, $8 the last of the page before, $9 page size,
-- $10 names of outermost parents, $11 parent, $12 roots only, $13 for each name what the ids begin with
SELECT instance_id, name, status, parent_id, created_at, updated_at, completed_at,
       CASE WHEN $1 THEN input END, CASE WHEN $1 THEN output END, custom_status, failure, tags
FROM instances
WHERE ($2::timestamptz IS NULL OR created_at >= $2)
  AND ($3::timestamptz IS NULL OR created_at < $3)
  AND ($4::text[] IS NULL OR status = ANY ($4))
  AND ($5::text IS NULL OR lower(name) = lower($5))
  AND ($6::text IS NULL OR starts_with(instance_id, $6))
  AND ($11::text IS NULL OR parent_id = $11)
  AND (NOT $12::boolean OR parent_id IS NULL)
  AND ($7::timestamptz IS NULL OR (created_at, instance_id) < ($7, $8))
  AND ($10::text[] IS NULL OR EXISTS (
        WITH RECURSIVE up (name, instance_id, parent_id) AS (
            SELECT instances.name, instances.instance_id, instances.parent_id
            UNION ALL
            SELECT parent.name, parent.instance_id, parent.parent_id FROM up JOIN instances parent ON parent.instance_id = up.parent_id)
        SELECT FROM up JOIN unnest($10, $13::text[]) AS root (name, id_prefix)
            ON lower(up.name) = lower(root.name) AND starts_with(lower(up.instance_id), lower(root.id_prefix))
        WHERE up.parent_id IS NULL))
ORDER BY created_at DESC, instance_id DESC
LIMIT $9;
