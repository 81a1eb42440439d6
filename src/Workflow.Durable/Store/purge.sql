-- An ended instance, and with $2 all that it started and has ended. $1 instance, $2 recursive
WITH RECURSIVE family AS (
    SELECT instance_id FROM instances WHERE instance_id = $1 AND completed_at IS NOT NULL
    UNION
    SELECT child.instance_id FROM instances child JOIN family ON child.parent_id = family.instance_id
    WHERE $2 AND child.completed_at IS NOT NULL
), history_gone AS (DELETE FROM history WHERE instance_id IN (SELECT instance_id FROM family)),
   activities_gone AS (DELETE FROM activities WHERE instance_id IN (SELECT instance_id FROM family))
DELETE FROM instances WHERE instance_id IN (SELECT instance_id FROM family);
