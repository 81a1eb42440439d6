-- Ended instances that match. One that is rewound meanwhile stays. $1 created from, $2 created before, $3 statuses; null matches all
WITH gone AS (
    SELECT instance_id FROM instances
    WHERE completed_at IS NOT NULL
      AND ($1::timestamptz IS NULL OR created_at >= $1)
      AND ($2::timestamptz IS NULL OR created_at < $2)
      AND ($3::text[] IS NULL OR status = ANY ($3))
    ORDER BY instance_id FOR UPDATE
), history_gone AS (DELETE FROM history WHERE instance_id IN (SELECT instance_id FROM gone)),
   activities_gone AS (DELETE FROM activities WHERE instance_id IN (SELECT instance_id FROM gone))
DELETE FROM instances WHERE instance_id IN (SELECT instance_id FROM gone);
