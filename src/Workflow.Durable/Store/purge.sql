-- An ended instance, and with $2 all that it started and has ended. One that is rewound meanwhile stays. $1 instance, $2 recursive
WITH RECURSIVE family AS (
    SELECT instance_id FROM instances WHERE instance_id = $1 AND completed_at IS NOT NULL
    UNION
    SELECT child.instance_id FROM instances child JOIN family ON child.parent_id = family.instance_id
    WHERE $2 AND child.completed_at IS NOT NULL
), gone AS (
    SELECT instance_id FROM instances WHERE instance_id IN (SELECT instance_id FROM family) AND completed_at IS NOT NULL
    ORDER BY instance_id FOR UPDATE
), history_gone AS (DELETE FROM history WHERE instance_id IN (SELECT instance_id FROM gone)),
   activities_gone AS (DELETE FROM activities WHERE instance_id IN (SELECT instance_id FROM gone))
DELETE FROM instances WHERE instance_id IN (SELECT instance_id FROM gone);
