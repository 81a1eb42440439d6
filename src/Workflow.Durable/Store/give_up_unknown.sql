-- Frees what names a lease and is not known to its host. $1 lease, $2 known instances, $3, $4, $5 known activities
WITH activities_freed AS (
    UPDATE activities SET lease = NULL
    WHERE lease = $1
      AND NOT EXISTS (
          SELECT FROM unnest($3::text[], $4::uuid[], $5::integer[]) AS known (instance_id, execution_id, task_id)
          WHERE known.instance_id = activities.instance_id AND known.execution_id = activities.execution_id AND known.task_id = activities.task_id)
)
UPDATE instances SET lease = NULL WHERE lease = $1 AND instance_id <> ALL ($2::text[]);
