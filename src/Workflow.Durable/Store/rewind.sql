-- Failed instances go on; others are left as they are. Answers with those that do. $1 ids, $2 parents (null for any), $3 events that say so, $4 now
WITH asked AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::bytea[]) AS asked (instance_id, parent_id, event)
), rewound AS (
    UPDATE instances
    SET status = 'Running', output = NULL, failure = NULL, completed_at = NULL, updated_at = $4, ready_at = 'epoch'
    FROM asked
    WHERE instances.instance_id = asked.instance_id AND instances.status = 'Failed'
      AND (asked.parent_id IS NULL OR instances.parent_id = asked.parent_id)
    RETURNING instances.instance_id, asked.event
), told AS (
    INSERT INTO messages (instance_id, carried, visible_at, event) SELECT instance_id, true, 'epoch', event FROM rewound
)
SELECT instance_id FROM rewound;
